import Diagnostics
import Testing

@testable import Git

@Suite("A git remote's first answer")
struct AdvertisementTests {
  static let one = String(repeating: "1", count: 40)
  static let two = String(repeating: "2", count: 40)
  static let three = String(repeating: "3", count: 40)

  private func read(_ bytes: [UInt8], limits: GitLimits = GitLimits()) throws(Failure) -> Advertisement {
    var reader = AdvertisementReader(limits: limits)
    let packets = PktLineReader()
    try packets.feed(bytes) { packet throws(Failure) in try reader.take(packet) }
    try packets.finish()
    return try reader.finish()
  }

  @Test("version 0 lists references, peeled tags, the branch of HEAD and shallow commits", arguments: [true, false])
  func version0(announced: Bool) throws {
    var bytes = announced ? Wire.line("# service=git-upload-pack") + Wire.flush : []
    bytes += Wire.packet("\(Self.one) HEAD\0side-band-64k filter symref=HEAD:refs/heads/main agent=git/2\n".utf8)
    bytes += Wire.line("\(Self.one) refs/heads/main") + Wire.line("\(Self.two) refs/tags/v1")
    bytes += Wire.line("\(Self.three) refs/tags/v1^{}") + Wire.line("shallow \(Self.two)") + Wire.flush
    let advertisement = try read(bytes)
    #expect(advertisement.references.map(\.name) == ["HEAD", "refs/heads/main", "refs/tags/v1"])
    #expect(advertisement.references[0].symbolicTarget == "refs/heads/main")
    #expect(advertisement.references[2].peeled?.hex == Self.three)
    #expect(
      advertisement.abilities
        == RemoteAbilities(format: .sha1, filters: true, anyWant: false, protocolVersion: 0))
  }

  @Test("version 1 is version 0 behind a line of its own")
  func version1() throws {
    let advertisement = try read(
      Wire.line("# service=git-upload-pack") + Wire.flush + Wire.line("version 1")
        + Wire.packet("\(Self.one) HEAD\0side-band-64k allow-reachable-sha1-in-want".utf8) + Wire.flush)
    #expect(advertisement.version == 1)
    #expect(advertisement.abilities.anyWant)
  }

  @Test("version 2 lists capabilities, with and without an announcement", arguments: [true, false])
  func version2(announced: Bool) throws {
    let advertisement = try read(
      (announced ? Wire.line("# service=git-upload-pack") + Wire.flush : []) + Wire.line("version 2")
        + Wire.line("agent=git/2.39") + Wire.line("ls-refs=unborn") + Wire.line("fetch=shallow filter")
        + Wire.line("object-format=sha256") + Wire.flush)
    #expect(
      advertisement.abilities
        == RemoteAbilities(format: .sha256, filters: true, anyWant: true, protocolVersion: 2))
  }

  @Test("an empty repository has no references")
  func empty() throws {
    let zero = String(repeating: "0", count: 40)
    let named = Wire.packet("\(zero) capabilities^{}\0side-band-64k".utf8) + Wire.flush
    #expect(try read(named).references.isEmpty)
    #expect(try read(Wire.flush).references.isEmpty)
    #expect(try read(Wire.line("# service=git-upload-pack") + Wire.flush + Wire.flush).references.isEmpty)
  }

  @Test(
    "names that no reference can have are left out", arguments: ["refs/heads/../x", "refs/heads/a b", "--upload-pack"])
  func badNames(name: String) throws {
    let bytes =
      Wire.packet("\(Self.one) \(name)\0side-band-64k".utf8) + Wire.line("\(Self.two) refs/heads/ok") + Wire.flush
    #expect(try read(bytes).references.map(\.name) == ["refs/heads/ok"])
  }

  private static let lies: [(parts: [[UInt8]], reason: String)] = [
    ([Wire.line("# service=git-receive-pack"), Wire.flush], "git-protocol-error"),
    ([Wire.line("hello"), Wire.flush], "git-protocol-error"),
    ([Wire.line("version 2"), Wire.line("agent=x"), Wire.flush], "git-protocol-error"),
    ([Wire.line("version 2"), Wire.line("ls-refs"), Wire.line("fetch"), Wire.delimiter], "git-protocol-error"),
    (
      [Wire.line("version 2"), Wire.line("ls-refs"), Wire.line("fetch"), Wire.line("object-format=md5"), Wire.flush],
      "git-object-format-unknown"
    ),
    ([Wire.line("ERR \u{1B}[31maccess denied")], "git-remote-error"),
    ([Wire.line("version 2"), Wire.line("ls-refs")], "git-connection-lost"),
    (
      [Wire.line("version 2"), Wire.line("ls-refs"), Wire.line("fetch"), Wire.flush, Wire.flush, Wire.line("x")],
      "git-protocol-error"
    ),
  ]

  @Test("answers that are no advertisement are refused", arguments: lies)
  func refused(parts: [[UInt8]], reason: String) throws {
    let bytes = parts.flatMap(\.self)
    let failure = #expect(throws: Failure.self) { try read(bytes) }
    #expect(failure?.reason == reason)
    #expect(failure?.description.unicodeScalars.contains("\u{1B}") == false)
  }

  @Test("more references than allowed are refused while they are read")
  func tooMany() throws {
    var limits = GitLimits()
    limits.references = 3
    var bytes = Wire.packet("\(Self.one) HEAD\0side-band-64k".utf8)
    for number in 0..<3 { bytes += Wire.line("\(Self.one) refs/heads/\(number)") }
    let failure = #expect(throws: Failure.self) { try read(bytes, limits: limits) }
    #expect(failure?.reason == "git-references-limit")
  }

  /// The first answer of a remote with many thousand branches, read for `prefixes`.
  private func readMany(thousands: Int, _ prefixes: [String] = []) throws -> Advertisement {
    var reader = AdvertisementReader(prefixes: prefixes, limits: GitLimits())
    let packets = PktLineReader()
    let tail = String(repeating: "a", count: 190)
    try packets.feed(Wire.packet("\(Self.one) HEAD\0side-band-64k".utf8)) { packet throws(Failure) in
      try reader.take(packet)
    }
    // The same thousand again and again: nobody compares them.
    let lines = (0..<1000).flatMap { Wire.line("\(Self.two) refs/heads/\($0)\(tail)") }
    for _ in 0..<thousands {
      try packets.feed(lines) { packet throws(Failure) in try reader.take(packet) }
    }
    try packets.feed(Wire.line("\(Self.two) refs/tags/v9") + Wire.line("\(Self.three) refs/tags/v9^{}") + Wire.flush) {
      packet throws(Failure) in try reader.take(packet)
    }
    return try reader.finish()
  }

  @Test("of a million references no more are kept than there is room for, and it is known that some are missing")
  func manyReferences() throws {
    let advertisement = try readMany(thousands: 990)
    #expect(advertisement.isCut)
    let room = GitLimits().heldReferences.bytes
    let size = advertisement.references.reduce(0) { $0 + MemoryLayout<RemoteReference>.stride + $1.name.utf8.count }
    #expect((room / 2...room).contains(Int64(size)))
  }

  @Test("of very many references the wanted ones are found, the last one too")
  func wantedReferences() throws {
    let advertisement = try readMany(thousands: 100, ["refs/tags/v9"])
    #expect(!advertisement.isCut)
    #expect(advertisement.references(prefixes: ["refs/tags/v9"]).map { $0.peeled?.hex } == [Self.three])
  }

  @Test("a name asked for is found behind however many that begin with it, and once")
  func wholeNames() throws {
    var limits = GitLimits()
    limits.heldReferences = ByteCount(1000)
    var reader = ReferenceQueryReader(format: .sha1, prefixes: ["refs/heads/a"], limits: limits)
    let others = (0..<100).flatMap { Wire.line("\(Self.one) refs/heads/a\($0)") }
    let wanted = Wire.line("\(Self.two) refs/heads/a peeled:\(Self.three)")
    try PktLineReader().feed(others + wanted + wanted + Wire.flush) { packet throws(Failure) in try reader.take(packet)
    }
    let references = try reader.finish()
    #expect((2..<10).contains(references.count))
    #expect(references.filter { $0.name == "refs/heads/a" }.map { $0.peeled?.hex } == [Self.three])
  }

  @Test("ls-refs is asked and answered")
  func query() throws {
    let advertisement = try read(
      Wire.line("version 2") + Wire.line("agent=g") + Wire.line("ls-refs") + Wire.line("fetch")
        + Wire.line("object-format=sha1") + Wire.flush)
    let request = ReferenceQuery.request(prefixes: ["HEAD", "refs/heads/"], advertisement: advertisement)
    #expect(
      String(decoding: request, as: UTF8.self)
        == "0014command=ls-refs\n0013agent=kindling\n0017object-format=sha1\n00010009peel\n000csymrefs\n"
        + "0014ref-prefix HEAD\n001bref-prefix refs/heads/\n0000")
    var reader = ReferenceQueryReader(format: .sha1, limits: GitLimits())
    let answer =
      Wire.line("unborn HEAD symref-target:refs/heads/x")
      + Wire.line("\(Self.one) HEAD symref-target:refs/heads/main")
      + Wire.line("\(Self.two) refs/tags/v1 peeled:\(Self.three)") + Wire.flush
    try PktLineReader().feed(answer) { packet throws(Failure) in try reader.take(packet) }
    let references = try reader.finish()
    #expect(references.map(\.symbolicTarget) == ["refs/heads/main", nil])
    #expect(references.map { $0.peeled?.hex } == [nil, Self.three])
  }
}
