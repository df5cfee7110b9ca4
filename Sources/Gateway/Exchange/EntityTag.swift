/// Comparison of entity tags (RFC 9110 §13.1.2).
enum EntityTag {
  /// Whether an `If-None-Match` value names `tag`, weakly or not.
  static func matches(_ header: String?, _ tag: String) -> Bool {
    guard let header else { return false }
    if header == "*" { return true }
    return header.split(separator: ",").contains { part in
      let text = part.drop { $0 == " " || $0 == "\t" }
      let trimmed = text.last == " " ? text.dropLast() : text
      return (trimmed.hasPrefix("W/") ? trimmed.dropFirst(2) : trimmed) == tag[...]
    }
  }
}
