import Diagnostics
import Storage

/// What the fleet has to know about apps and cannot: the ledger's side of the hand-off.
package protocol RevisionSource: Sendable {
  /// What calls run now. Throws `app-unknown` (NOT_FOUND), and `version-missing` (FAILED_PRECONDITION) for an app
  /// that has published nothing.
  func active(_ app: AppID) async throws(Failure) -> AppRevision

  /// All that a replica of it is started with; pulls and unpacks the image where that is needed.
  func plan(of revision: AppRevision) async throws(Failure) -> ReplicaPlan
}

/// Which apps have host names, and who may call them. Answers from memory: the door asks at every call.
package protocol AppDirectory: Sendable {
  /// What a host name's labels before the base domain stand for; nil when no app has that name. Labels are looked up
  /// among the known apps and never taken apart, since a hyphen can stand anywhere (contract §1.2).
  func destination(of label: String) -> AppDestination?
  /// The same by app and port.
  func destination(of app: AppID, port: AppPort) -> AppDestination?
}

/// Where a call by host name goes, and what is asked of its caller.
package struct AppDestination: Sendable, Hashable {
  package var app: AppID
  package var port: AppPort
  /// No token needed, and permissive CORS.
  package var allowsAnonymous: Bool
  /// Any organisation's token will do.
  package var isPublic: Bool

  package init(app: AppID, port: AppPort, allowsAnonymous: Bool, isPublic: Bool) {
    self.app = app
    self.port = port
    self.allowsAnonymous = allowsAnonymous
    self.isPublic = isPublic
  }
}
