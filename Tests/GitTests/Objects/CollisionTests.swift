import CGit
import Testing

@testable import Git

/// The suite is serialized because one of its tests turns the processor's instructions off for all.
@Suite("SHA-1 with detection of collisions", .serialized)
struct CollisionTests {
  /// The two messages of the first published collision (shattered.io): a common prefix and two blocks each.
  static let prefix =
    "255044462d312e330a25e2e3cfd30a0a0a312030206f626a0a3c3c2f57696474682032203020522f4865696768742033203020522f547970"
    + "652034203020522f537562747970652035203020522f46696c7465722036203020522f436f6c6f7253706163652037203020522f4c656e67"
    + "74682038203020522f42697473506572436f6d706f6e656e7420383e3e0a73747265616d0affd8fffe00245348412d31206973206465"
    + "61642121212121852fec092339759c39b1a1c63c4c97e1fffe01"
  static let first =
    "7f46dc93a6b67e013b029aaa1db2560b45ca67d688c7f84b8c4c791fe02b3df614f86db1690901c56b45c1530afedfb76038e972722fe7ad"
    + "728f0e4904e046c230570fe9d41398abe12ef5bc942be33542a4802d98b5d70f2a332ec37fac3514e74ddc0f2cc1a874cd0c78305a215664"
    + "61309789606bd0bf3f98cda8044629a1"
  static let second =
    "7346dc9166b67e118f029ab621b2560ff9ca67cca8c7f85ba84c79030c2b3de218f86db3a90901d5df45c14f26fedfb3dc38e96ac22fe7bd"
    + "728f0e45bce046d23c570feb141398bb552ef5a0a82be331fea48037b8b5d71f0e332edf93ac3500eb4ddc0decc1a864790c782c76215660"
    + "dd309791d06bd0af3f98cda4bc4629b1"

  static func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }

  private static func hash(_ bytes: [UInt8], pieces: Int = .max) -> (hex: String, collided: Bool) {
    var hash = kindling_sha1()
    var digest = [UInt8](repeating: 0, count: 20)
    kindling_sha1_begin(&hash)
    for start in stride(from: 0, to: bytes.count, by: min(pieces, max(1, bytes.count))) {
      let piece = Array(bytes[start..<min(bytes.count, start + min(pieces, bytes.count))])
      kindling_sha1_add(&hash, piece, piece.count)
    }
    let collided = kindling_sha1_end(&hash, &digest) != 0
    return (digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined(), collided)
  }

  @Test(
    "finds both halves of the first published collision, in any pieces", arguments: [false, true], [1, 64, 100, 1000])
  func published(_ plain: Bool, _ pieces: Int) {
    kindling_sha1_use_plain(plain ? 1 : 0)
    defer { kindling_sha1_use_plain(0) }
    for half in [Self.first, Self.second] {
      let bytes = Self.bytes(Self.prefix + half)
      #expect(bytes.count == 320)
      let result = Self.hash(bytes, pieces: pieces)
      #expect(result.hex == "f92d74e3874587aaf443d1db961d4e26dde13e9c")
      #expect(result.collided)
      #expect(Self.hash(bytes + [1, 2, 3]).collided)
    }
  }

  @Test("hashes as libcrypto does and suspects nothing, for every length", arguments: [false, true])
  func ordinary(_ plain: Bool) throws {
    kindling_sha1_use_plain(plain ? 1 : 0)
    defer { kindling_sha1_use_plain(0) }
    var generator = SystemRandomNumberGenerator()
    let random = (0..<70_000).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    for length in Array(0..<1300) + [65_535, 65_536, 70_000] {
      let bytes = Array(random.prefix(length))
      let library = try LibraryHash(.sha1)
      bytes.withUnsafeBytes { library.update($0) }
      var expected = [UInt8](repeating: 0, count: 20)
      expected.withUnsafeMutableBytes { library.finish(into: $0) }
      let result = Self.hash(bytes, pieces: length % 7 == 0 ? 33 : .max)
      #expect(CollisionTests.bytes(result.hex) == expected, "length \(length)")
      #expect(!result.collided)
    }
  }

  @Test("knows what a vector does to a message: the expansion's rule, and the words around its place")
  func differences() {
    for vector in 0..<32 {
      var words = [UInt32](repeating: 0, count: 80)
      kindling_sha1_difference(Int32(vector), &words)
      for step in 16..<80 {
        let word = words[step - 3] ^ words[step - 8] ^ words[step - 14] ^ words[step - 16]
        #expect(words[step] == word << 1 | word >> 31)
      }
      #expect(words.contains { $0 != 0 })
    }
    // I(43,0) and II(45,0), as Stevens' "New collision attacks on SHA-1" (2013) gives the words from K on.
    var words = [UInt32](repeating: 0, count: 80)
    kindling_sha1_difference(0, &words)
    #expect(Array(words[43..<59]) == [1 << 4, 5 << 29, 0, 1 << 29, 1 << 29] + [UInt32](repeating: 0, count: 10) + [1])
    kindling_sha1_difference(16, &words)
    #expect(
      Array(words[45..<61]) == [1 << 29, 1 << 31, 1 << 4, 0, 1 << 4 | 1 << 29, 5 << 29, 0, 1 << 29, 1 << 29]
        + [UInt32](repeating: 0, count: 6) + [1])
  }

  @Test("suspects one block in twenty at most, so that the second look costs little")
  func suspicion() {
    var generator = SystemRandomNumberGenerator()
    let suspected = (0..<5_000).count { _ in
      let block = (0..<64).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
      return kindling_sha1_candidates(block) != 0
    }
    #expect((50...400).contains(suspected))
  }
}
