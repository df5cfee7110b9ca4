import API
import Diagnostics
import RPC
import Terminal

/// Whether an app serves what it was just given. The platform accepts what then fails to start, so that an answer without
/// an error alone says nothing about it.
struct VersionReadiness: Sendable {
  typealias State = Dodil_Ignite_V1_GetAppStateResponse

  private let app: AppTarget
  private let before: State

  /// To be made before the app gets it.
  init(_ app: AppTarget) async throws(Failure) {
    self.app = app
    before = try await Self.state(of: app)
  }

  /// Throws `version-not-ready` when the version, as far as is known now, does not become ready. Returns the state.
  @discardableResult
  func check(_ version: UInt32) async throws(Failure) -> State {
    let state = try await Self.state(of: app)
    guard state.deploymentState == .failed else { return state }
    var hint = "see what it wrote with: kindling app logs \(app.id)"
    if state.activeVersion == version, before.activeVersion != 0, before.activeVersion != version {
      hint = "go back with: kindling version rollback \(app.id) \(before.activeVersion); " + hint
    }
    let isSaid = state.error.hasPrefix("version \(version) ")
    throw Failure(
      .failedPrecondition, reason: "version-not-ready",
      isSaid ? "\(app.id): \(state.error)" : "version \(version) of \(app.id) did not become ready: \(state.error)",
      hint: hint)
  }

  /// The same of a change of the configuration; what was FAILED before may well stay so, and is only told.
  func checkConfiguration() async throws(Failure) {
    let state = try await Self.state(of: app)
    guard state.deploymentState == .failed else { return }
    guard before.deploymentState != .failed else {
      Console.standardError.write("\(app.id) is FAILED as before: \(state.error)\n")
      return
    }
    throw Failure(
      .failedPrecondition, reason: "version-not-ready", "\(app.id): \(state.error)",
      hint: "see what it wrote with: kindling app logs \(app.id)")
  }

  private static func state(of app: AppTarget) async throws(Failure) -> State {
    var request = Dodil_Ignite_V1_GetAppStateRequest()
    request.organizationName = app.organization
    request.appName = app.name
    let message = request
    return try await app.access.call { try await $0.getAppState(message) }
  }
}
