import Diagnostics
import Storage
import Synchronization

/// Keeps `oci/index.json` to the tags, a moment behind: pushes do not wait for it, and many of them are one writing.
final class LayoutUpkeep: Sendable {
  private static let delay = Duration.seconds(1)

  private struct State {
    var isScheduled = false
    var isChanged = false
    /// The next one comes no sooner, so that a large index costs a fraction of the time.
    var notBefore = ContinuousClock.now
  }

  private let data: DataDirectory
  private let state = Mutex(State())
  private let writing = Mutex<Void>(())

  init(data: DataDirectory) { self.data = data }

  /// Says that tags have moved.
  func changed() {
    let moment = state.withLock { state -> ContinuousClock.Instant? in
      state.isChanged = true
      guard !state.isScheduled else { return nil }
      state.isScheduled = true
      return max(.now + Self.delay, state.notBefore)
    }
    guard let moment else { return }
    Task.detached(priority: .background) { [weak self] in
      try? await Task.sleep(until: moment)
      self?.write()
    }
  }

  /// Writes it now if anything has moved. What cannot be written now is written after the next change, or at the next start.
  func write() {
    let isChanged = state.withLock { state in
      defer { state = State(notBefore: state.notBefore) }
      return state.isChanged
    }
    guard isChanged else { return }
    writing.withLock { _ in
      let began = ContinuousClock.now
      try? data.writeLayoutIndex()
      state.withLock { $0.notBefore = .now + began.duration(to: .now) * 20 }
    }
  }
}

extension ImageRegistry {
  /// Writes what is still to be written, for a server that is about to end.
  package func settle() { layout.write() }
}
