import Diagnostics
import Synchronization

/// Objects of the store in use: where to find them, and the lease that keeps them.
struct GitHolding: Sendable {
  var source: ObjectSources
  /// The pieces they lie in.
  var numbers: [Int]
  var lease: GitLease
}

/// Keeps files of the store where they are until it is released, or nobody holds it any more.
package final class GitLease: Sendable {
  private let released = Mutex(false)
  private let store: GitStore?
  private let key: StoreKey?
  private let numbers: [Int]
  private let others: [GitLease]
  private let atEnd: @Sendable () -> Void

  init(store: GitStore, key: StoreKey, numbers: [Int]) {
    (self.store, self.key, self.numbers) = (store, key, numbers)
    others = []
    atEnd = {}
  }

  /// Several leases as one; `atEnd` runs after they are given back.
  init(_ others: [GitLease], atEnd: @escaping @Sendable () -> Void = {}) {
    (store, key, numbers) = (nil, nil, [])
    self.others = others
    self.atEnd = atEnd
  }

  deinit { release() }

  /// Gives the files back; again does nothing.
  package func release() {
    let isFirst = released.withLock { released in
      defer { released = true }
      return !released
    }
    guard isFirst else { return }
    if let store, let key { store.release(key, numbers) }
    for other in others { other.release() }
    atEnd()
  }
}
