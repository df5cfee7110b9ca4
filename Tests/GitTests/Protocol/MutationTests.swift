import Diagnostics
import Testing

@testable import Git

@Suite("Answers changed at random")
struct MutationTests {
  /// A generator whose numbers are the same in every run (SplitMix64).
  private struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  private static let id = String(repeating: "1", count: 40)
  private static let list =
    Wire.packet("\(id) HEAD\0side-band-64k symref=HEAD:refs/heads/main".utf8) + Wire.line("\(id) refs/tags/v1")
    + Wire.line("\(id) refs/tags/v1^{}") + Wire.line("shallow \(id)") + Wire.flush
  private static let version2 =
    Wire.line("version 2") + Wire.line("ls-refs=unborn") + Wire.line("fetch=shallow filter") + Wire.flush
  private static let pack =
    Wire.line("shallow-info") + Wire.line("shallow \(id)") + Wire.delimiter + Wire.line("packfile")
    + Wire.band(2, "Counting \u{1B}[1mobjects\r\n") + Wire.band(1, "PACK") + Wire.flush

  /// One to four bytes changed, left out, doubled, or everything cut off behind one.
  private func mutated(_ bytes: [UInt8], _ dice: inout Dice) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &dice) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &dice)
      switch Int.random(in: 0..<8, using: &dice) {
      case 0: bytes.remove(at: place)
      case 1: bytes.insert(bytes[place], at: place)
      case 2: bytes.removeLast(bytes.count - place)
      case 3: bytes[place] = UInt8.random(in: 0...255, using: &dice)
      default:
        bytes[place] = Array("0123456789abcdef \n\u{0}\u{1}\u{2}\u{3}".utf8)[Int.random(in: 0..<22, using: &dice)]
      }
    }
    return bytes
  }

  @Test("no answer does worse than an error", arguments: 0..<8)
  func survives(seed: UInt64) throws {
    var dice = Dice(state: seed)
    let id = try #require(ObjectID(hex: Self.id))
    var refused = 0
    for _ in 0..<1000 {
      for (bytes, isPack) in [(Self.list, false), (Self.version2, false), (Self.pack, true)] {
        do throws(Failure) {
          let answer = mutated(bytes, &dice)
          try isPack ? readPack(answer, want: id) : readAdvertisement(answer)
        } catch {
          refused += 1
          #expect(error.reason.hasPrefix("git-"))
          #expect(!error.description.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
        }
      }
    }
    #expect(refused > 500)
  }

  private func readAdvertisement(_ bytes: [UInt8]) throws(Failure) {
    var reader = AdvertisementReader(limits: GitLimits())
    let packets = PktLineReader()
    try packets.feed(bytes) { packet throws(Failure) in try reader.take(packet) }
    try packets.finish()
    _ = try reader.finish()
  }

  private func readPack(_ bytes: [UInt8], want: ObjectID) throws(Failure) {
    let capabilities = Capabilities(words: ["fetch=shallow"])
    let order = FetchOrder(
      request: FetchRequest(wants: [want]),
      advertisement: Advertisement(version: 2, capabilities: capabilities, format: .sha1, references: []))
    var reader = FetchAnswerReader(order: order, limits: GitLimits())
    let packets = PktLineReader()
    try packets.feed(bytes) { packet throws(Failure) in
      try reader.take(packet, pack: { _ throws(Failure) in }, words: { _ throws(Failure) in })
    }
    try packets.finish()
    try reader.finish()
  }
}
