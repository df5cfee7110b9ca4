import Diagnostics
import Testing

@testable import Git

@Suite("A git remote's answer to a fetch")
struct FetchAnswerTests {
  private let one = String(repeating: "1", count: 40)

  private func order(version: Int, _ words: String, request: FetchRequest? = nil) throws -> FetchOrder {
    let id = try #require(ObjectID(hex: one))
    let separator: Character = version == 2 ? "\n" : " "
    let capabilities = Capabilities(words: words.split(separator: separator))
    return FetchOrder(
      request: request ?? FetchRequest(wants: [id]),
      advertisement: Advertisement(version: version, capabilities: capabilities, format: .sha1, references: []))
  }

  private struct Read { var pack = "", words: [String] = [], shallow: [String] = [], isComplete = false }

  private func read(
    _ bytes: [UInt8], _ order: FetchOrder, limits: GitLimits = GitLimits()
  ) throws(Failure) -> Read {
    var reader = FetchAnswerReader(order: order, limits: limits)
    var result = Read()
    let packets = PktLineReader()
    try packets.feed(bytes) { packet throws(Failure) in
      try reader.take(
        packet, pack: { bytes throws(Failure) in result.pack += String(decoding: bytes, as: UTF8.self) },
        words: { text throws(Failure) in result.words.append(text) })
    }
    try packets.finish()
    try reader.finish()
    result.shallow = reader.shallow.map(\.hex)
    return result
  }

  @Test("a request of version 2 says all in one round")
  func request2() throws {
    let id = try #require(ObjectID(hex: one))
    let request = FetchRequest(wants: [id], haves: [id], shallow: [id], depth: 1, filter: .noBlobs)
    let text = String(
      decoding: try order(version: 2, "ls-refs\nfetch=shallow filter", request: request).bytes, as: UTF8.self)
    #expect(
      text == "0012command=fetch\n0001000ethin-pack\n000eofs-delta\n0032want \(one)\n0035shallow \(one)\n"
        + "000ddeepen 1\n0015filter blob:none\n0032have \(one)\n0009done\n0000")
    #expect(!text.contains("packfile-uris"))
  }

  @Test("what a remote cannot do is not asked of it")
  func modest() throws {
    let id = try #require(ObjectID(hex: one))
    let request = FetchRequest(wants: [id], depth: 1, filter: .noTrees)
    let text = String(decoding: try order(version: 2, "ls-refs\nfetch", request: request).bytes, as: UTF8.self)
    #expect(!text.contains("deepen") && !text.contains("filter") && !text.contains("thin-pack"))
    let old = try order(version: 0, "side-band-64k", request: request)
    #expect(String(decoding: old.bytes, as: UTF8.self) == "0040want \(one) side-band-64k\n00000009done\n")
    #expect(!old.asksForDepth)
  }

  @Test("a request of version 0 names its capabilities on the first line alone")
  func request0() throws {
    let id = try #require(ObjectID(hex: one))
    let request = FetchRequest(wants: [id, id], haves: [id], depth: 2, filter: .noBlobs)
    let words = "side-band side-band-64k ofs-delta thin-pack shallow filter agent=git/2 multi_ack"
    let text = String(decoding: try order(version: 0, words, request: request).bytes, as: UTF8.self)
    #expect(
      text == "006awant \(one) side-band-64k ofs-delta thin-pack agent=kindling filter\n0032want \(one)\n"
        + "000ddeepen 2\n0015filter blob:none\n00000032have \(one)\n0009done\n")
  }

  @Test("sections of version 2 are read in any company")
  func version2() throws {
    let answer =
      Wire.line("acknowledgments") + Wire.line("ACK \(one)") + Wire.line("ready") + Wire.delimiter
      + Wire.line("shallow-info") + Wire.line("shallow \(one)") + Wire.delimiter + Wire.line("wanted-refs")
      + Wire.line("\(one) refs/heads/x") + Wire.delimiter + Wire.line("packfile")
      + Wire.band(2, "Counting \u{1B}[31mobjects\rCoun") + Wire.band(1, "PA") + Wire.band(1, "")
      + Wire.band(2, "ting: done\n") + Wire.band(1, "CK") + Wire.flush
    let read = try read(answer, try order(version: 2, "fetch=shallow"))
    #expect(read.pack == "PACK")
    #expect(read.words == ["Counting objects", "Counting: done"])
    #expect(read.shallow == [one])
  }

  @Test("version 0 is read with and without shallow commits, acknowledged or not", arguments: ["NAK", "ACK"])
  func version0(word: String) throws {
    let acknowledgement = word == "ACK" ? "ACK \(one)" : word
    let pack = Wire.line(acknowledgement) + Wire.band(1, "PACK") + Wire.flush
    #expect(try read(pack, try order(version: 0, "side-band-64k")).pack == "PACK")
    let shallow = Wire.line("shallow \(one)") + Wire.flush + pack
    #expect(try read(shallow, try order(version: 0, "side-band-64k shallow")).shallow == [one])
  }

  private static let lies: [(parts: [[UInt8]], reason: String)] = [
    ([Wire.line("packfile"), Wire.band(4, "x")], "git-protocol-error"),
    ([Wire.line("packfile"), Wire.packet([])], "git-protocol-error"),
    ([Wire.line("packfile"), Wire.band(3, "out of\u{9B}2J \u{202E}memory")], "git-remote-error"),
    ([Wire.line("packfile"), Wire.band(1, "PACK")], "git-connection-lost"),
    ([Wire.line("packfile"), Wire.delimiter], "git-protocol-error"),
    ([Wire.line("packfile"), Wire.band(1, "P"), Wire.flush, Wire.line("more")], "git-protocol-error"),
    ([Wire.line("packfile-uris"), Wire.line("x https://elsewhere/")], "git-protocol-error"),
    ([Wire.line("shallow-info"), Wire.line("shallow 12")], "git-protocol-error"),
    ([Wire.line("shallow-info"), Wire.flush], "git-protocol-error"),
    ([Wire.flush], "git-protocol-error"),
    ([Wire.line("ERR upload-pack: not our ref 11")], "git-want-refused"),
    ([Wire.line("ERR want 1212121212121212121212121212121212121212 not valid")], "git-want-refused"),
    ([Wire.line("ERR the token is not valid")], "git-remote-error"),
    ([Wire.line("ERR Server does not allow request for unadvertised object 11")], "git-want-refused"),
    ([Wire.line("ERR want 11 not valid")], "git-want-refused"),
    ([Wire.line("ERR \u{1B}]0;owned\u{7}no space left")], "git-remote-error"),
  ]

  @Test("answers that lie are refused", arguments: lies)
  func refused(parts: [[UInt8]], reason: String) throws {
    let answer = parts.flatMap(\.self)
    let order = try order(version: 2, "fetch=shallow")
    let failure = #expect(throws: Failure.self) { try read(answer, order) }
    #expect(failure?.reason == reason)
    let text = failure?.description ?? ""
    #expect(!text.unicodeScalars.contains { ["\u{1B}", "\u{9B}", "\u{202E}"].contains($0) || $0.value == 7 })
    #expect(!text.contains("owned"))
  }

  @Test("progress without end is cut off")
  func endless() throws {
    var limits = GitLimits()
    limits.progressSize = ByteCount(1000)
    let answer = Wire.line("packfile") + (0..<20).flatMap { _ in Wire.band(2, String(repeating: "x", count: 60)) }
    let order = try order(version: 2, "fetch")
    let failure = #expect(throws: Failure.self) { try read(answer, order, limits: limits) }
    #expect(failure?.reason == "git-progress-limit")
  }

  @Test("an answer that drips is given up: signs of life before a pack, and a byte a second of one", arguments: [2, 1])
  func drip(band: UInt8) throws {
    var limits = GitLimits()
    limits.packStartTimeout = .seconds(20)
    limits.paceWindow = .seconds(10)
    limits.slowestPace = ByteCount(2)
    var now = ContinuousClock.now
    let receiver = FetchReceiver(
      order: try order(version: 2, "ls-refs\nfetch"), bases: NoObjects(), into: PackFile(), limits: limits, now: { now }
    )
    var seconds = 0
    let failure = #expect(throws: Failure.self) {
      try receiver.feed(Wire.line("packfile"))
      while seconds < 100 {
        seconds += 1
        now += .seconds(1)
        try receiver.feed(Wire.band(band, "P"))
      }
    }
    #expect(failure?.reason == "git-stalled")
    #expect(seconds == (band == 1 ? 11 : 21))
  }

  @Test(
    "a pace that leads nowhere is given up",
    arguments: [
      // Signs of life alone; a byte a second; silence is not its business; a good pace after a bad start.
      ([(0, 1), (0, 599)], false), ([(0, 1), (0, 601)], true),
      ([(1, 1)] + (2...61).map { (1, $0) }, true), ([(1, 1), (100_000, 70), (1, 100)], false),
      ([(1, 1), (100_000, 70), (1, 131)], true),
    ])
  func pace(arrivals: [(bytes: Int, second: Int)], isRefused: Bool) {
    let start = ContinuousClock.now
    var pace = ReceivePace(limits: GitLimits(), start: start)
    var reason: String?
    for arrival in arrivals {
      do throws(Failure) {
        try pace.record(arrival.bytes, at: start + .seconds(arrival.second))
      } catch {
        reason = error.reason
      }
    }
    #expect((reason == "git-stalled") == isRefused)
  }
}

extension FetchReceiver {
  /// Receives bytes that nobody is told of.
  fileprivate func feed(_ bytes: [UInt8]) throws(Failure) {
    var thrown: Failure?
    bytes.withUnsafeBytes { bytes in
      do throws(Failure) { try receive(bytes) { _ in } } catch { thrown = error }
    }
    if let thrown { throw thrown }
  }
}
