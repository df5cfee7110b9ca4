import Diagnostics
import NIOCore
import NIOPosix

/// Where a fleet reads the time and is woken; tests have one they turn by hand.
package protocol FleetClock: Sendable {
  /// Time since some moment that stays the same. It stands still while the machine sleeps, so that a laptop that wakes
  /// up does not find everything too late.
  func uptime() -> Duration
  func moment() -> Timestamp
  /// Runs `action` when `uptime` is `time`, unless what is returned is run before.
  func wake(at time: Duration, _ action: @escaping @Sendable () -> Void) -> @Sendable () -> Void
}

/// The machine's own clock.
package struct SystemFleetClock: FleetClock {
  private static let origin = SuspendingClock.now
  private let loop: any EventLoop
  private let wall: WallClock

  package init(group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, wall: WallClock = .system) {
    loop = group.next()
    self.wall = wall
  }

  package func uptime() -> Duration { Self.origin.duration(to: .now) }
  package func moment() -> Timestamp { wall.now() }

  package func wake(at time: Duration, _ action: @escaping @Sendable () -> Void) -> @Sendable () -> Void {
    // A millionth too early would find nothing due, and ask to be woken again for the same.
    let delay = max(.zero, time - uptime()) + .microseconds(1)
    let scheduled = loop.scheduleTask(in: TimeAmount(delay), action)
    return { scheduled.cancel() }
  }
}
