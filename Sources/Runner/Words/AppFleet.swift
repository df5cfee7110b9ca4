import Diagnostics
import Storage

/// All replicas of all apps, as the rest of the house sees them.
package protocol AppFleet: Sendable {
  /// A replica that may take one more call, at once; nil when one has to be waited for, or started. Never blocks.
  func admitNow(_ app: AppID) -> Admission?

  /// The same, after as long a wait as the app's start takes. Throws why no replica becomes ready (UNAVAILABLE, with
  /// the last lines of its log), that too many wait (RESOURCE_EXHAUSTED), and what `RevisionSource.active` throws.
  func admit(_ app: AppID) async throws(Failure) -> Admission

  /// The same for a revision that is not the active one: TestDraft and `version test`. Its replicas end when idle.
  func admit(_ revision: AppRevision) async throws(Failure) -> Admission

  /// From now on calls run this revision. Where the app has replicas, new ones become ready first; calls in flight end
  /// on the old ones, and no call fails by the change. Returns when new calls get the new revision; throws why its
  /// replicas don't become ready, and then calls go on as before and `status` tells.
  func activate(_ revision: AppRevision) async throws(Failure)

  /// Starts the replicas that these apps keep when nobody calls (`AppPolicy.reservedReplicas`): after a server's start.
  func keep(_ apps: [AppID]) async

  /// Ends every replica of the app, calls in flight too.
  func remove(_ app: AppID) async

  func status(of app: AppID) -> FleetStatus
  /// The logs of the replicas that are there and of the last that ended.
  func logs(of app: AppID) -> [ReplicaLog]
  /// Lines of all present and coming replicas of the app, until the task is cancelled or the app removed.
  func followLogs(of app: AppID) -> AsyncStream<AppLogLine>

  /// Ends everything: no call is admitted any more, replicas get `grace`.
  func stop(grace: Duration) async
}

extension AppFleet {
  package func keep(_ apps: [AppID]) async {}
}

/// Leave to send one call to one replica. Ends with `end()`, or at the latest with its last reference.
package final class Admission: Sendable {
  package let replica: any Replica
  private let onEnd: OnceEnd

  package init(replica: any Replica, onEnd: @escaping @Sendable () -> Void) {
    self.replica = replica
    self.onEnd = OnceEnd(onEnd)
  }

  package func end() { onEnd.run() }
  deinit { onEnd.run() }
}

/// How an app's replicas stand.
package struct FleetStatus: Sendable, Hashable {
  package struct ReplicaStatus: Sendable, Hashable {
    package enum State: String, Sendable, Hashable { case starting, ready, unhealthy, draining }
    package var id: ReplicaID
    package var version: AppVersion
    package var state: State
    package var calls: Int
    package var startedAt: Timestamp
    package init(id: ReplicaID, version: AppVersion, state: State, calls: Int, startedAt: Timestamp) {
      self.id = id
      self.version = version
      self.state = state
      self.calls = calls
      self.startedAt = startedAt
    }
  }

  package var replicas: [ReplicaStatus] = []
  /// What calls get; nil before the first of them.
  package var active: AppVersion?
  /// What was to be activated last and did not become ready, while calls go on as before; `failure` says why. It is
  /// `active` itself after a change of the configuration alone.
  package var unready: AppVersion?
  /// Why the last start or replica failed; nil once one is ready again.
  package var failure: Failure?
  /// When the next start is tried after failures in a row.
  package var nextStart: Timestamp?

  package init() {}
}
