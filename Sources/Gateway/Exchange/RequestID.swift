/// Names one request in the `request-id` header and in the server's log.
///
/// Random at the process's start and counted from there: unique enough to search for, and never longer than
/// Swift's small strings, because every request has one.
struct RequestID: Sendable, CustomStringConvertible {
  private static let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

  let description: String

  static func make() -> RequestID {
    var rest = UInt64.random(in: .min ... .max)
    let text = String(unsafeUninitializedCapacity: 13) { buffer in
      for index in 0..<13 {
        buffer[index] = digits[Int(rest & 31)]
        rest >>= 5
      }
      return 13
    }
    return RequestID(description: text)
  }
}
