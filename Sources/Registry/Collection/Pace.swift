import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Keeps reading at a speed that leaves the disk to others.
struct Pace {
  private let bytesPerSecond: Int64
  private let began = ContinuousClock.now
  private var bytes: Int64 = 0

  init(rate: ByteCount) { bytesPerSecond = max(1, rate.bytes) }

  /// Waits until that many bytes more may have been read; throws `cancelled`.
  mutating func wait(after count: Int) throws(Failure) {
    if Task.isCancelled { throw Failure(.cancelled, reason: "cancelled", "the scrub was cancelled") }
    bytes += Int64(count)
    let due = Duration.milliseconds(bytes * 1000 / bytesPerSecond) - began.duration(to: .now)
    guard due > .milliseconds(1) else { return }
    usleep(UInt32(clamping: Int64(due / .microseconds(1))))
  }
}
