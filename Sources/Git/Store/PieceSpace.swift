import Synchronization
import Diagnostics

/// The room on the disk for one piece of the store while it grows; its owner says how far the piece will reach.
final class PieceSpace: Sendable {
  private static let step = Int64(64 << 20)
  private let store: GitStore
  private let number: Int
  /// How far the piece may grow before the disk is looked at again.
  private let granted = Mutex(Int64(0))

  init(store: GitStore, number: Int) {
    self.store = store
    self.number = number
  }

  deinit { end() }

  /// The piece has `written` bytes and is about to have `end`. Throws `disk-full` while there is time to say so, before
  /// others on the same disk fail too.
  func reach(_ end: Int64, written: Int64) throws(Failure) {
    guard end > granted.withLock({ $0 }) else { return }
    try store.makeRoom(end - written, for: number, reaching: end)
    granted.withLock { $0 = end + Self.step }
  }

  /// The piece grows no more.
  func end() { store.forgetGrowing(number) }
}
