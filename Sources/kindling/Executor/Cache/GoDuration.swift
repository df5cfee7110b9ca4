/// Durations as Go writes them, and with it Kaniko's users: `336h`, `1h30m`, `1.5h`, `0`.
enum GoDuration {
  private static let seconds: [String: Double] = [
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600,
  ]
  /// Go counts nanoseconds in 64 bits.
  private static let most = 9.2e9

  /// Nil for anything else, and for times that run backwards.
  static func parse(_ text: String) -> Duration? {
    var rest = text.hasPrefix("+") ? text.dropFirst() : text[...]
    if rest == "0" { return .zero }
    guard !rest.isEmpty else { return nil }
    var total = 0.0
    while !rest.isEmpty {
      let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest.dropFirst(number.count)
      let unit = rest.prefix { !($0.isASCII && ($0.isNumber || $0 == ".")) }
      rest = rest.dropFirst(unit.count)
      guard let value = value(number), let scale = seconds[String(unit)] else { return nil }
      total += value * scale
    }
    return total <= most ? .milliseconds(Int64((total * 1000).rounded())) : nil
  }

  /// Digits with at most one point among them or beside them.
  private static func value(_ text: Substring) -> Double? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.contains(where: { !$0.isEmpty }) else { return nil }
    return Double("0\(parts[0]).\(parts.count == 2 ? parts[1] : "")0")
  }
}
