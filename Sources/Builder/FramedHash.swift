import OCI

/// A hash of pieces, each with its length before it; gathers small ones, of which a COPY has a dozen for each file.
final class FramedHash {
  private static let most = 32 << 10
  private let running = RunningDigest(.sha256)
  private var gathered: [UInt8] = []

  init() { gathered.reserveCapacity(512) }

  /// `12:` and the twelve bytes.
  func add(_ piece: some Collection<UInt8>) {
    appendDigits(of: piece.count)
    gathered.append(UInt8(ascii: ":"))
    gathered.append(contentsOf: piece)
    if gathered.count >= Self.most { flush() }
  }

  func digest() -> Digest {
    flush()
    return running.digest()
  }

  private func appendDigits(of number: Int) {
    if number >= 10 { appendDigits(of: number / 10) }
    gathered.append(0x30 + UInt8(number % 10))
  }

  private func flush() {
    running.update(gathered)
    gathered.removeAll(keepingCapacity: true)
  }
}
