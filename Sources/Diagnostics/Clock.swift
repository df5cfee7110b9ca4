#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where the house reads the time; tests hand in a fixed one.
package struct WallClock: Sendable {
  private let read: @Sendable () -> Timestamp
  package init(_ read: @escaping @Sendable () -> Timestamp) { self.read = read }
  /// The present moment.
  package func now() -> Timestamp { read() }
  /// The machine's own clock.
  package static let system = WallClock {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }
}
