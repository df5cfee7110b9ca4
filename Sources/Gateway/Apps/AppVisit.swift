import Diagnostics
import NIOHTTP1
import Runner
import Service
import Storage

/// One request at an app's host name, from its head to leave to call a replica.
struct AppVisit: Sendable {
  let label: String
  let destination: AppDestination?
  private let authorization: String?
  private let organization: String?

  /// Leave to call, and as whom: nil is anybody.
  struct Leave: Sendable {
    let admission: Admission
    let caller: Identity?
    let destination: AppDestination
    /// Whether the app may see the caller's token. One of another organisation could do with it whatever the caller
    /// may do in its own.
    var hidesAuthorization: Bool { caller.map { $0.organization != destination.app.organization } ?? false }
  }

  /// Why there is none, and when to try again.
  struct Refused: Error {
    let failure: Failure
    var retryAfter: Int?
  }

  init(_ head: HTTPRequestHead, label: String, rooms: AppDoor.Rooms) {
    self.label = label
    destination = rooms.directory.destination(of: label)
    authorization = head.headers.first(name: "authorization")
    organization = head.headers.first(name: "x-organization-name")
  }

  /// Whether every origin's pages may call it, without a token.
  var isOpen: Bool { destination?.allowsAnonymous ?? false }

  /// Leave without waiting; nil when something has to be waited for.
  func leave(by door: AppDoor, _ rooms: AppDoor.Rooms) throws(Refused) -> Leave? {
    guard rooms.faults.faults.isEmpty else { return nil }
    var caller: Identity?
    if !isOpen {
      guard let known = door.callers.recall(authorization: authorization, organization: organization) else {
        return nil
      }
      if let failure = AppAccess.refusal(of: known, label: label, to: destination) { throw Refused(failure: failure) }
      caller = known
    }
    guard let destination, let admission = rooms.fleet.admitNow(destination.app) else { return nil }
    return Leave(admission: admission, caller: caller, destination: destination)
  }

  /// Leave after whatever has to be waited for: the check of a token, an injected fault, the start of a replica.
  func awaitLeave(by door: AppDoor, _ rooms: AppDoor.Rooms) async throws(Refused) -> Leave {
    let caller = try await caller(by: door)
    guard let destination else { throw Refused(failure: Self.gone(label)) }
    do throws(Failure) {
      try await rooms.faults.meet(.hostCall, of: destination.app.organization.name)
      if let admission = rooms.fleet.admitNow(destination.app) {
        return Leave(admission: admission, caller: caller, destination: destination)
      }
      let admission = try await rooms.fleet.admit(destination.app)
      return Leave(admission: admission, caller: caller, destination: destination)
    } catch {
      let next = rooms.fleet.status(of: destination.app).nextStart
      let wait = next.map { max(1, Int(($0.milliseconds - door.clock.now().milliseconds + 999) / 1000)) } ?? 1
      throw Refused(failure: error, retryAfter: wait)
    }
  }

  /// Who calls; nil where nobody is asked.
  private func caller(by door: AppDoor) async throws(Refused) -> Identity? {
    guard !isOpen else { return nil }
    let caller: Identity
    do throws(Failure) {
      caller = try await door.callers.check(authorization: authorization, organization: organization)
    } catch { throw Refused(failure: error) }
    if let failure = AppAccess.refusal(of: caller, label: label, to: destination) { throw Refused(failure: failure) }
    return caller
  }

  private static func gone(_ label: String) -> Failure {
    Failure(
      .notFound, reason: "app-unknown", "there is no app with the host name '\(label.prefix(200))'",
      hint: "see which there are with: kindling app list")
  }
}
