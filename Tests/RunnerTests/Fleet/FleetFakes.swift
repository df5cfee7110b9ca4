import Diagnostics
import OCI
import Storage
import Synchronization
import SystemPackage

@testable import Runner

#if canImport(Glibc)
  import Glibc
#endif

/// Time that passes when a test says so.
final class HandClock: FleetClock {
  private struct Timer {
    let number: Int
    let time: Duration
    let action: @Sendable () -> Void
  }
  private struct State {
    var now: Duration = .zero
    var timers: [Timer] = []
    var next = 0
    var watchers: [(within: Duration, found: CheckedContinuation<Void, Never>)] = []
  }
  private let state = Mutex(State())

  func uptime() -> Duration { state.withLock { $0.now } }
  func moment() -> Timestamp { Timestamp(milliseconds: 1_700_000_000_000).adding(uptime()) }

  func wake(at time: Duration, _ action: @escaping @Sendable () -> Void) -> @Sendable () -> Void {
    let (number, found) = state.withLock { state in
      defer { state.next += 1 }
      state.timers.append(Timer(number: state.next, time: time, action: action))
      let due = state.watchers.filter { time <= state.now + $0.within }
      state.watchers.removeAll { time <= state.now + $0.within }
      return (state.next, due.map(\.found))
    }
    for watcher in found { watcher.resume() }
    return { [weak self] in self?.state.withLock { $0.timers.removeAll { $0.number == number } } }
  }

  /// Lets time pass and runs what becomes due in its order.
  func pass(_ time: Duration) {
    let end = uptime() + time
    while true {
      let due = state.withLock { state -> Timer? in
        guard let first = state.timers.min(by: { ($0.time, $0.number) < ($1.time, $1.number) }), first.time <= end
        else {
          state.now = end
          return nil
        }
        state.timers.removeAll { $0.number == first.number }
        state.now = max(state.now, first.time)
        return first
      }
      guard let due else { return }
      due.action()
    }
  }

  /// Returns when something is to be woken within `time`.
  func hasTimer(within time: Duration) async {
    await withCheckedContinuation { (found: CheckedContinuation<Void, Never>) in
      let isThere = state.withLock { state in
        if state.timers.contains(where: { $0.time <= state.now + time }) { return true }
        state.watchers.append((time, found))
        return false
      }
      if isThere { found.resume() }
    }
  }

  var timers: Int { state.withLock { $0.timers.count } }
}

/// A replica without a process. Its sockets are this machine's own.
final class PlayedReplica: Replica {
  let id: ReplicaID
  let plan: ReplicaPlan
  let log = ReplicaLog()
  /// What `stop` does at once; false for one that ignores it.
  private let stops: Bool
  private struct State {
    var end: ReplicaEnd?
    var waiting: [CheckedContinuation<ReplicaEnd, Never>] = []
    var graces: [Duration] = []
  }
  private let state = Mutex(State())

  init(_ plan: ReplicaPlan, stops: Bool = true) {
    id = ReplicaID.make(at: Timestamp(milliseconds: 1_700_000_000_000))
    self.plan = plan
    self.stops = stops
  }

  func socket() throws(Failure) -> SystemPackage.FileDescriptor {
    let number = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    guard number >= 0 else { throw Failure(.internal, reason: "socket", "no socket: \(errno)") }
    return SystemPackage.FileDescriptor(rawValue: number)
  }

  func end() async -> ReplicaEnd {
    await withCheckedContinuation { (waiting: CheckedContinuation<ReplicaEnd, Never>) in
      let end = state.withLock { state in
        if state.end == nil { state.waiting.append(waiting) }
        return state.end
      }
      if let end { waiting.resume(returning: end) }
    }
  }

  func stop(grace: Duration) async {
    state.withLock { $0.graces.append(grace) }
    if stops { finish(ReplicaEnd(cause: .stopped)) } else { _ = await end() }
  }

  func finish(_ end: ReplicaEnd) {
    log.close()
    let waiting = state.withLock { state in
      guard state.end == nil else { return [CheckedContinuation<ReplicaEnd, Never>]() }
      state.end = end
      defer { state.waiting = [] }
      return state.waiting
    }
    for waiter in waiting { waiter.resume(returning: end) }
  }

  func write(_ text: String) {
    log.append(AppLogLine(moment: Timestamp(milliseconds: 1), replica: id, stream: .stdout, text: text))
  }

  var isEnded: Bool { state.withLock { $0.end != nil } }
  var graces: [Duration] { state.withLock { $0.graces } }
}

/// Starts played replicas and hands each to the test.
final class PlayedStarter: ReplicaStarter {
  let replicas: AsyncStream<PlayedReplica>
  private let continuation: AsyncStream<PlayedReplica>.Continuation
  private let stubborn: Bool
  private let count = Mutex(0)

  init(stubborn: Bool = false) {
    (replicas, continuation) = AsyncStream.makeStream()
    self.stubborn = stubborn
  }

  func start(_ plan: ReplicaPlan) async throws(Failure) -> any Replica {
    let replica = PlayedReplica(plan, stops: !stubborn)
    count.withLock { $0 += 1 }
    continuation.yield(replica)
    return replica
  }

  var started: Int { count.withLock { $0 } }
}

/// Answers as it was told to last.
final class PlayedProbe: ReplicaProbe {
  private let answer: Mutex<ProbeAnswer>
  init(_ answer: ProbeAnswer = .status(200)) { self.answer = Mutex(answer) }
  func say(_ answer: ProbeAnswer) { self.answer.withLock { $0 = answer } }
  func ask(_ replica: any Replica, port: AppPort, path: String, timeout: Duration) async -> ProbeAnswer {
    answer.withLock { $0 }
  }
}

/// The ledger's side: one app with one active revision.
final class PlayedSource: RevisionSource {
  private let revision: Mutex<AppRevision>
  init(_ revision: AppRevision = FleetStage.revision(1)) { self.revision = Mutex(revision) }
  func publish(_ revision: AppRevision) { self.revision.withLock { $0 = revision } }

  func active(_ app: AppID) async throws(Failure) -> AppRevision {
    let revision = revision.withLock { $0 }
    guard app == revision.app else { throw Failure(.notFound, reason: "app-unknown", "app '\(app)' does not exist") }
    return revision
  }

  func plan(of revision: AppRevision) async throws(Failure) -> ReplicaPlan {
    ReplicaPlan(
      revision: revision, imageReference: "acme/greeter:v1", lowers: [],
      config: ImageConfig(platform: .init(os: "linux", architecture: "amd64")))
  }
}
