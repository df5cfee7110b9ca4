import Builder
import Diagnostics
import OCI
import Storage
import Synchronization

/// The pulls of base images that run now: builds that want one image at once wait for one pull.
///
/// Every organisation pulls for itself, with its own credentials.
final class JointPulls: Sendable {
  /// What makes two pulls the same.
  struct Name: Hashable, Sendable {
    var organization: OrganizationName
    var image: String
    var platform: Platform
    /// The secret slot that is shown; nil is what the organisation saved.
    var credentials: String?
  }

  typealias Ending = Result<BaseImage, Failure>

  private struct Waiter {
    var watch: TransferMeter.Watch
    var continuation: CheckedContinuation<Ending, Never>?
  }
  private struct Pull {
    var name: Name
    var task: Task<Void, Never>?
    var waiters: [Int: Waiter] = [:]
    /// Known while some who joined have not yet begun to wait.
    var ending: Ending?
  }
  private struct State {
    var pulls: [Int: Pull] = [:]
    /// The pulls that others may still join.
    var open: [Name: Int] = [:]
    var lastNumber = 0

    mutating func number() -> Int {
      lastNumber += 1
      return lastNumber
    }
  }
  private let state = Mutex(State())
  /// A pull hashes and writes; the threads of whoever asked first may be gone before it ends.
  private let threads = BuildThreads()

  /// What `pull` brings, run once for all who ask for `name` while it runs; `watch` hears of its progress. The pull is
  /// cancelled when nobody waits for it any more, and the last one to leave sees it end. Throws what it throws.
  func join(
    _ name: Name, watch: @escaping TransferMeter.Watch,
    _ pull: @escaping @Sendable (@escaping TransferMeter.Watch) async throws(Failure) -> BaseImage
  ) async throws(Failure) -> BaseImage {
    let (waiter, number, isFirst) = state.withLock { state -> (Int, Int, Bool) in
      let waiter = state.number()
      let joined = state.open[name]
      let number = joined ?? state.number()
      if joined == nil {
        state.open[name] = number
        state.pulls[number] = Pull(name: name)
      }
      state.pulls[number]?.waiters[waiter] = Waiter(watch: watch)
      return (waiter, number, joined == nil)
    }
    if isFirst { start(number, pull) }
    let ending = await withTaskCancellationHandler {
      await wait(waiter, for: number)
    } onCancel: {
      leave(waiter, number)
    }
    return try ending.get()
  }

  /// How many wait for the pull of that name.
  func waiterCount(of name: Name) -> Int {
    state.withLock { state in state.open[name].flatMap { state.pulls[$0]?.waiters.count } ?? 0 }
  }

  private func start(
    _ number: Int, _ pull: @escaping @Sendable (@escaping TransferMeter.Watch) async throws(Failure) -> BaseImage
  ) {
    // Before the task runs: who is cancelled at once must find it.
    state.withLock { state in
      let task = Task(executorPreference: threads) { [self] in
        let ending: Ending
        do throws(Failure) {
          ending = .success(try await pull { progress in self.tell(progress, of: number) })
        } catch { ending = .failure(error) }
        end(number, ending)
      }
      state.pulls[number]?.task = task
    }
  }

  private func tell(_ progress: BuildEvent.TransferProgress, of number: Int) {
    let watches = state.withLock { $0.pulls[number]?.waiters.values.map(\.watch) ?? [] }
    for watch in watches { watch(progress) }
  }

  private func end(_ number: Int, _ ending: Ending) {
    let waiting = state.withLock { state -> [CheckedContinuation<Ending, Never>] in
      guard let pull = state.pulls[number] else { return [] }
      if state.open[pull.name] == number { state.open[pull.name] = nil }
      let waiting = pull.waiters.values.compactMap(\.continuation)
      // Those that are about to wait find the ending.
      let late = pull.waiters.filter { $0.value.continuation == nil }
      state.pulls[number] = late.isEmpty ? nil : Pull(name: pull.name, waiters: late, ending: ending)
      return waiting
    }
    for continuation in waiting { continuation.resume(returning: ending) }
  }

  private func wait(_ waiter: Int, for number: Int) async -> Ending {
    await withCheckedContinuation { continuation in
      let ending = state.withLock { state -> Ending? in
        if let ending = state.pulls[number]?.ending {
          state.pulls[number]?.waiters[waiter] = nil
          if state.pulls[number]?.waiters.isEmpty == true { state.pulls[number] = nil }
          return ending
        }
        guard state.pulls[number]?.waiters[waiter] != nil else { return .failure(Self.cancelled) }
        state.pulls[number]?.waiters[waiter]?.continuation = continuation
        return nil
      }
      if let ending { continuation.resume(returning: ending) }
    }
  }

  /// The waiter's task was cancelled: it goes at once, unless it is the last, which sees the pull end first.
  private func leave(_ waiter: Int, _ number: Int) {
    let (continuation, task) = state.withLock {
      state -> (CheckedContinuation<Ending, Never>?, Task<Void, Never>?) in
      guard let pull = state.pulls[number], pull.waiters[waiter] != nil, pull.ending == nil else { return (nil, nil) }
      guard pull.waiters.count > 1 else {
        if state.open[pull.name] == number { state.open[pull.name] = nil }
        return (nil, pull.task)
      }
      return (state.pulls[number]?.waiters.removeValue(forKey: waiter)?.continuation, nil)
    }
    continuation?.resume(returning: .failure(Self.cancelled))
    task?.cancel()
  }

  private static let cancelled = Failure(.cancelled, reason: "cancelled", "the build was cancelled")
}
