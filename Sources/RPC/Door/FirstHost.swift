import NIOCore

/// Finds the `Host` of an HTTP/1.1 connection's first request, as soon as its line has come.
///
/// It only decides whose handlers the connection gets; they read the request themselves and look at every one's host. So
/// whatever is no plain request is left to those that have the better words for it.
struct FirstHost {
  enum Finding: Equatable {
    case undecided
    case host(String)
    /// The head has none, is longer than `limit` or is no head.
    case none
  }

  static let limit = 16 << 10

  private(set) var finding = Finding.undecided
  private var lineStart = 0
  private var position = 0
  private var hasRequestLine = false

  /// Looks at what has come since the last time; `bytes` is all there is.
  mutating func look(at bytes: UnsafeRawBufferPointer) {
    while finding == .undecided, position < min(bytes.count, Self.limit) {
      let byte = bytes[position]
      if byte == 0x0a {
        endLine(UnsafeRawBufferPointer(rebasing: bytes[lineStart..<position]))
        lineStart = position + 1
      } else if !hasRequestLine, !(0x20...0x7e).contains(byte), byte != 0x0d {
        // TLS, or something else that would be waited for in vain.
        finding = .none
      }
      position += 1
    }
    if finding == .undecided, position >= Self.limit { finding = .none }
  }

  private mutating func endLine(_ raw: UnsafeRawBufferPointer) {
    let line = raw.last == 0x0d ? UnsafeRawBufferPointer(rebasing: raw.dropLast()) : raw
    guard !line.isEmpty else {
      // Blank lines before a request are skipped (RFC 9112 §2.2).
      if hasRequestLine { finding = .none }
      return
    }
    guard hasRequestLine else {
      hasRequestLine = true
      return
    }
    guard line.count >= 5, zip(line, "host:".utf8).allSatisfy({ $0 | 0x20 == $1 | 0x20 }), line[4] == 0x3a else {
      return
    }
    let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
    let value = line.dropFirst(5).drop(while: isBlank)
    let end = value.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? value.startIndex
    finding = .host(String(decoding: value[..<end], as: UTF8.self))
  }
}
