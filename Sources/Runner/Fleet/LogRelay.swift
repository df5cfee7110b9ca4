import Synchronization

/// One reader of all of an app's logs: the lines of replicas that are there, and of those that come.
final class LogRelay: Sendable {
  private let continuation: AsyncStream<AppLogLine>.Continuation
  private let tasks = Mutex<[Task<Void, Never>]>([])

  init(_ continuation: AsyncStream<AppLogLine>.Continuation) { self.continuation = continuation }

  /// Passes on what comes; with `replaying`, what was there before as well.
  func attach(_ log: ReplicaLog, replaying: Bool) {
    // Followed from here on: the task may begin later than the next line comes.
    let lines = log.follow(replaying: replaying)
    let task = Task { [continuation] in
      for await line in lines { continuation.yield(line) }
    }
    tasks.withLock { tasks in
      tasks.removeAll(where: \.isCancelled)
      tasks.append(task)
    }
  }

  func end() {
    for task in tasks.withLock({ $0 }) { task.cancel() }
    continuation.finish()
  }
}
