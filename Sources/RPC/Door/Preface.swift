import NIOCore

/// Tells HTTP/2 from HTTP/1.1 by a connection's first bytes.
///
/// Spec: RFC 9113 §3.4, a client that knows the server speaks HTTP/2 opens with 24 fixed bytes. No HTTP/1.1
/// request can begin so, and the first byte that differs settles it: a `GET` is known by its `G`.
struct Preface {
  enum Verdict: Equatable {
    /// Everything so far could be the beginning of the preface.
    case undecided
    case http1
    case http2
  }

  static let bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  private(set) var verdict = Verdict.undecided
  private var matched = 0

  /// Takes the next bytes of the connection; after a verdict they change nothing.
  mutating func read(_ bytes: some Sequence<UInt8>) {
    guard verdict == .undecided else { return }
    for byte in bytes {
      guard byte == Self.bytes[matched] else {
        verdict = .http1
        return
      }
      matched += 1
      if matched == Self.bytes.count {
        verdict = .http2
        return
      }
    }
  }
}
