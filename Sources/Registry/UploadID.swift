/// Names an upload session: 128 random bits, so that nobody can guess another's.
package struct UploadID: Sendable, Hashable, CustomStringConvertible {
  private static let digits = 32
  /// Lower-case hexadecimal digits.
  package let text: String

  init() {
    let halves = (0..<2).map { _ in
      let half = String(UInt64.random(in: .min ... .max), radix: 16)
      return String(repeating: "0", count: 16 - half.count) + half
    }
    text = halves.joined()
  }

  /// Nil for text no session can have.
  package init?(_ text: String) {
    guard text.utf8.count == Self.digits,
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    self.text = text
  }

  package var description: String { text }
}
