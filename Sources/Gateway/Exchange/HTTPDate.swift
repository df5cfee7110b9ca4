import Diagnostics
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The `Date` header's value, made once a second.
final class HTTPDate: Sendable {
  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  private let clock: WallClock
  private let cached = Mutex<(second: Int64, text: String)>((-1, ""))

  init(clock: WallClock) { self.clock = clock }

  /// Now, as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
  var text: String {
    let second = clock.now().milliseconds / 1000
    return cached.withLock { cached in
      if cached.second != second { cached = (second, Self.text(second)) }
      return cached.text
    }
  }

  static func text(_ second: Int64) -> String {
    var moment = time_t(second)
    var parts = tm()
    gmtime_r(&moment, &parts)
    let day = Int(parts.tm_wday)
    let month = Int(parts.tm_mon)
    let date = "\(days[day]), \(two(parts.tm_mday)) \(months[month]) \(1900 + parts.tm_year)"
    return "\(date) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
  }

  private static func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
