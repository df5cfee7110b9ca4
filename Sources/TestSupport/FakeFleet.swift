import Diagnostics
import OCI
import Runner
import Storage
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A replica whose network is this machine's own.
package final class FakeReplica: Replica {
  package let id = ReplicaID.make(at: WallClock.system.now())
  package let plan: ReplicaPlan
  package let log = ReplicaLog()
  private let isOver = Mutex(false)
  private let endOfLife = AsyncStream<Void>.makeStream()

  package init(_ app: AppID, timeout: Duration = .seconds(20)) {
    var policy = AppPolicy()
    policy.callTimeout = timeout
    plan = ReplicaPlan(
      revision: AppRevision(app: app, version: AppVersion(1), configuration: 1, policy: policy),
      imageReference: "localhost/\(app):latest", lowers: [],
      config: ImageConfig(platform: Platform(os: "linux", architecture: "amd64", variant: nil)))
  }

  package func socket() throws(Failure) -> FileDescriptor {
    guard !isOver.withLock({ $0 }) else {
      throw Failure(.unavailable, reason: "replica-ended", "the replica has ended")
    }
    let number = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
    return FileDescriptor(rawValue: number)
  }

  package func end() async -> ReplicaEnd {
    for await _ in endOfLife.stream {}
    return ReplicaEnd(cause: .stopped)
  }

  package func stop(grace: Duration) async {
    isOver.withLock { $0 = true }
    endOfLife.continuation.finish()
  }
}

/// A fleet whose apps have one replica each, ready at once unless something else is said.
package final class FakeFleet: AppFleet {
  private struct State {
    var replicas: [AppID: FakeReplica] = [:]
    var next: [AppID: FakeReplica] = [:]
    var running = 0
    var departed = 0
    var refusal: Failure?
    var isCold = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state: Mutex<State>

  package init(_ replicas: [FakeReplica]) {
    var state = State()
    for replica in replicas { state.replicas[replica.plan.revision.app] = replica }
    self.state = Mutex(state)
  }

  /// Calls that have been admitted and are not through.
  package var running: Int { state.withLock { $0.running } }
  /// Calls that wait for a start.
  package var waiting: Int { state.withLock { $0.waiting.count } }

  /// Calls that were given up while they waited.
  package var departed: Int { state.withLock { $0.departed } }

  /// From now on every start fails like this.
  package func refuse(_ failure: Failure?) { state.withLock { $0.refusal = failure } }
  /// From now on calls wait until `warm()`.
  package func cool() { state.withLock { $0.isCold = true } }

  package func warm() {
    let waiting = state.withLock { state in
      state.isCold = false
      defer { state.waiting = [] }
      return state.waiting
    }
    for waiter in waiting { waiter.resume() }
  }

  /// Gives `replica` from the second call on; the first one gets the other.
  package func put(_ replica: FakeReplica, onceAskedFor first: FakeReplica) {
    state.withLock { state in
      state.replicas[first.plan.revision.app] = first
      state.next[first.plan.revision.app] = replica
    }
  }

  package func admitNow(_ app: AppID) -> Admission? {
    state.withLock { state in
      guard state.refusal == nil, !state.isCold, let replica = state.replicas[app] else { return nil }
      if let next = state.next.removeValue(forKey: app) { state.replicas[app] = next }
      state.running += 1
      return Admission(replica: replica) { [weak self] in self?.state.withLock { $0.running -= 1 } }
    }
  }

  package func admit(_ app: AppID) async throws(Failure) -> Admission {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isCold = state.withLock { state in
          if state.isCold { state.waiting.append(continuation) }
          return state.isCold
        }
        if !isCold { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.departed += 1 }
    }
    if let refusal = state.withLock({ $0.refusal }) { throw refusal }
    guard let admission = admitNow(app) else {
      throw Failure(.failedPrecondition, reason: "version-missing", "app '\(app)' has published nothing")
    }
    return admission
  }

  package func admit(_ revision: AppRevision) async throws(Failure) -> Admission { try await admit(revision.app) }
  package func activate(_ revision: AppRevision) async throws(Failure) {}
  package func remove(_ app: AppID) async {}
  package func status(of app: AppID) -> FleetStatus { FleetStatus() }
  package func logs(of app: AppID) -> [ReplicaLog] { [] }
  package func followLogs(of app: AppID) -> AsyncStream<AppLogLine> { AsyncStream { $0.finish() } }
  package func stop(grace: Duration) async {}
}

/// A directory of the apps it is given.
package struct FakeDirectory: AppDirectory {
  private let destinations: [String: AppDestination]

  package init(_ destinations: [AppDestination]) {
    self.destinations = Dictionary(
      uniqueKeysWithValues: destinations.map { (AppDomain.label(of: $0.app, port: $0.port), $0) })
  }

  package func destination(of label: String) -> AppDestination? { destinations[label] }
  package func destination(of app: AppID, port: AppPort) -> AppDestination? {
    destinations[AppDomain.label(of: app, port: port)]
  }
}
