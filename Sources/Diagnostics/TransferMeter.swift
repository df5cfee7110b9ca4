import Synchronization

/// Counts what a transfer brings, and tells of it now and then: nothing in the first second, then once a second, then
/// ever more rarely, so that a transfer of hours has some two hundred events. The last word always comes.
package final class TransferMeter: Sendable {
  package typealias Watch = @Sendable (BuildEvent.TransferProgress) -> Void

  private static let leastPause: Int64 = 1000
  /// A pause is this part of the time that has passed.
  private static let share: Int64 = 20

  private struct State {
    var size: Int64 = 0
    var total: Int64?
    var toldAt: Int64 = 0
    var isDone = false
  }

  private let kind: BuildEvent.TransferProgress.Kind
  private let name: String
  private let clock: WallClock
  private let begun: Timestamp
  private let watch: Watch
  private let state = Mutex(State())

  package init(
    _ kind: BuildEvent.TransferProgress.Kind, _ name: String, clock: WallClock = .system, watch: @escaping Watch
  ) {
    self.kind = kind
    self.name = name
    self.clock = clock
    self.watch = watch
    begun = clock.now()
  }

  /// How many bytes there will be.
  package func expect(_ total: Int64) { state.withLock { $0.total = total } }

  /// So many bytes more; fewer than none when some have to come again.
  package func advance(by count: Int64) { move { $0 + count } }

  /// So many bytes in all.
  package func reach(_ size: Int64) { move { _ in size } }

  /// It is over; tells so unless nothing had to come.
  package func finish() {
    let progress = state.withLock { state -> BuildEvent.TransferProgress? in
      guard !state.isDone, state.size > 0 else { return nil }
      state.isDone = true
      return moment(state, elapsed)
    }
    if let progress { watch(progress) }
  }

  private func move(_ change: (Int64) -> Int64) {
    let elapsed = self.elapsed
    let progress = state.withLock { state -> BuildEvent.TransferProgress? in
      state.size = change(state.size)
      guard !state.isDone, elapsed - state.toldAt >= max(Self.leastPause, elapsed / Self.share) else { return nil }
      state.toldAt = elapsed
      return moment(state, elapsed)
    }
    if let progress { watch(progress) }
  }

  private var elapsed: Int64 { max(0, clock.now().milliseconds - begun.milliseconds) }

  private func moment(_ state: State, _ elapsed: Int64) -> BuildEvent.TransferProgress {
    BuildEvent.TransferProgress(
      kind: kind, name: name, size: ByteCount(state.size), total: state.total.map { ByteCount($0) },
      durationMilliseconds: elapsed, isDone: state.isDone)
  }
}
