/// A range of ids an ordinary user may map into his user namespaces, from /etc/subuid or /etc/subgid (subuid(5)).
struct SubordinateRange: Hashable {
  var start: UInt32
  var count: UInt32

  /// The user's largest range in the file's text, whose lines are `NAME-OR-UID:START:COUNT`; nil without one.
  static func largest(in text: String, name: String?, uid: UInt32) -> SubordinateRange? {
    let owners = [name, "\(uid)"]
    return text.split(separator: "\n").compactMap { line -> SubordinateRange? in
      let fields = line.split(separator: ":", omittingEmptySubsequences: false)
      guard fields.count == 3, owners.contains(String(fields[0])),
        let start = UInt32(fields[1]), let count = UInt32(fields[2]), count > 0
      else { return nil }
      return SubordinateRange(start: start, count: count)
    }.max { $0.count < $1.count }
  }

  /// As the C side and newuidmap take it.
  var argument: String { "\(start):\(count)" }
}
