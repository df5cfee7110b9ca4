/// Durations and ages as the displays print them.
package enum DurationText {
  /// `0.3s`, `14.2s`, `2m05s`, `1h02m`.
  package static func compact(milliseconds: Int64) -> String {
    let whole = max(0, milliseconds)
    let seconds = whole / 1000
    switch seconds {
    case ..<60: return "\(seconds).\(whole % 1000 / 100)s"
    case ..<3600: return "\(seconds / 60)m\(twoDigits(seconds % 60))s"
    default: return "\(seconds / 3600)h\(twoDigits(seconds % 3600 / 60))m"
    }
  }

  /// `0.3 s`, `14.2 s`, `2 min 05 s`, `1 h 02 min`.
  package static func spaced(milliseconds: Int64) -> String {
    let whole = max(0, milliseconds)
    let seconds = whole / 1000
    switch seconds {
    case ..<60: return "\(seconds).\(whole % 1000 / 100) s"
    case ..<3600: return "\(seconds / 60) min \(twoDigits(seconds % 60)) s"
    default: return "\(seconds / 3600) h \(twoDigits(seconds % 3600 / 60)) min"
    }
  }

  /// `just now`, `5 min ago`, `2 h ago`, `3 d ago`.
  package static func age(milliseconds: Int64) -> String {
    let seconds = max(0, milliseconds) / 1000
    switch seconds {
    case ..<10: return "just now"
    case ..<60: return "\(seconds) s ago"
    case ..<3600: return "\(seconds / 60) min ago"
    case ..<86_400: return "\(seconds / 3600) h ago"
    default: return "\(seconds / 86_400) d ago"
    }
  }

  private static func twoDigits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
