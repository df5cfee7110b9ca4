/// Reads durations as Go writes them: `30s`, `1m30s`, `1.5h`, `250ms`.
enum DurationText {
  private static let units: [String: Double] = [
    "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9,
  ]

  /// Nanoseconds; nil for anything else, and for what does not fit 64 bits.
  static func nanoseconds(_ text: String) -> Int64? {
    if text == "0" { return 0 }
    var rest = Substring(text)
    if rest.hasPrefix("+") { rest = rest.dropFirst() }
    guard !rest.isEmpty else { return nil }
    var total = 0.0
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isWholeNumber || $0 == ".") }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { !$0.isWholeNumber && $0 != "." }
      rest = rest.dropFirst(unit.count)
      guard let number = Double(digits), let scale = units[String(unit)] else { return nil }
      total += number * scale
    }
    return Int64(exactly: total.rounded())
  }
}
