import Diagnostics
import Synchronization

/// Adds up what several fetches of one order bring, and passes their progress on as one.
final class TransferCount: Sendable {
  private struct State {
    /// Of the fetches that are over.
    var bytes: Int64 = 0
    var objects = 0
    var now: Int64 = 0
  }
  private let state = Mutex(State())
  private let report: @Sendable (GitProgress) throws(Failure) -> Void

  init(_ report: @escaping @Sendable (GitProgress) throws(Failure) -> Void) { self.report = report }

  var total: GitTransfer {
    state.withLock { GitTransfer(objects: $0.objects, bytes: ByteCount($0.bytes + $0.now)) }
  }

  /// One fetch's progress; cancelled with the task, however long the remote talks.
  func progress(_ progress: GitProgress) throws(Failure) {
    try checkGitCancellation()
    let before: (objects: Int, bytes: Int64) = state.withLock { state in
      state.now = max(state.now, progress.bytes.bytes)
      return (state.objects, state.bytes)
    }
    var sum = progress
    sum.objects += before.objects
    if sum.totalObjects > 0 { sum.totalObjects += before.objects }
    sum.bytes = ByteCount(sum.bytes.bytes + before.bytes)
    try report(sum)
  }

  /// The fetch is over and brought `objects`.
  func end(objects: Int) {
    state.withLock { state in
      state.bytes += state.now
      state.now = 0
      state.objects += objects
    }
  }
}
