import API
import Diagnostics
import FoundationEssentials
import Runner
import Service
import Storage

/// The contract's ComputeService in its own messages, one method for each RPC: apps, drafts and versions.
package struct ComputeCalls: Sendable {
  let compute: ComputeService
  /// What HealthCheck says.
  let version: String

  package init(_ compute: ComputeService, version: String) {
    self.compute = compute
    self.version = version
  }

  func meet(_ place: Fault.Place, _ caller: Identity) async throws(Failure) {
    try await compute.faults.meet(place, of: caller.organization.name)
  }

  // MARK: - Apps

  /// Makes an app, with its draft when code comes along.
  package func createApp(
    _ message: Dodil_Ignite_V1_CreateAppRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_CreateAppResponse {
    try await meet(.createApp, caller)
    let code: CodeOrder = message.hasCode ? CodeOrder(message.code) : .missing
    let view = try await compute.createApp(
      message.organizationName, message.name, try AppConfiguration(message), code, as: caller)
    var answer = Dodil_Ignite_V1_CreateAppResponse()
    answer.appID = view.record.id.description
    answer.deploymentState = Dodil_Ignite_V1_DeploymentState(view.state.phase)
    answer.appliedTier = Dodil_Ignite_V1_ResourceTier(view.configuration.tier)
    answer.appliedLimits = Dodil_Ignite_V1_ResourceLimits(applied: view.configuration)
    return answer
  }

  package func getApp(
    _ message: Dodil_Ignite_V1_GetAppRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_GetAppResponse {
    try await meet(.getApp, caller)
    var answer = Dodil_Ignite_V1_GetAppResponse()
    answer.app = Dodil_Ignite_V1_AppMeta(
      try await compute.app(message.organizationName, message.appName, as: caller))
    return answer
  }

  package func listApps(
    _ message: Dodil_Ignite_V1_ListAppsRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_ListAppsResponse {
    try await meet(.listApps, caller)
    let page = try await compute.apps(
      message.organizationName, limit: Int(message.limit), cursor: message.cursor, as: caller)
    var answer = Dodil_Ignite_V1_ListAppsResponse()
    answer.apps = page.apps.map { Dodil_Ignite_V1_AppMeta($0) }
    answer.nextCursor = page.nextCursor
    return answer
  }

  package func updateAppConfig(
    _ message: Dodil_Ignite_V1_UpdateAppConfigRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_UpdateAppConfigResponse {
    try await meet(.updateAppConfig, caller)
    var answer = Dodil_Ignite_V1_UpdateAppConfigResponse()
    answer.app = Dodil_Ignite_V1_AppMeta(
      try await compute.updateApp(message.organizationName, message.appName, try AppChange(message), as: caller))
    return answer
  }

  package func deleteApp(
    _ message: Dodil_Ignite_V1_DeleteAppRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_DeleteAppResponse {
    try await meet(.deleteApp, caller)
    try await compute.deleteApp(message.organizationName, message.appName, as: caller)
    var answer = Dodil_Ignite_V1_DeleteAppResponse()
    answer.success = true
    return answer
  }

  package func getAppState(
    _ message: Dodil_Ignite_V1_GetAppStateRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_GetAppStateResponse {
    try await meet(.getAppState, caller)
    let (view, urls) = try await compute.state(of: message.organizationName, message.appName, as: caller)
    var answer = Dodil_Ignite_V1_GetAppStateResponse()
    answer.deploymentState = Dodil_Ignite_V1_DeploymentState(view.state.phase)
    answer.activeVersion = view.record.activeVersion?.number ?? 0
    answer.readyReplicas = UInt32(clamping: view.state.readyReplicas)
    answer.urls = urls
    answer.error = view.state.error
    return answer
  }

  // MARK: - Drafts

  package func saveDraft(
    _ message: Dodil_Ignite_V1_SaveDraftRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_SaveDraftResponse {
    try await meet(.saveDraft, caller)
    let draft = try await compute.saveDraft(
      message.organizationName, message.appName, CodeOrder(message.code), inputSchema: message.inputSchema,
      outputSchema: message.outputSchema, as: caller)
    var answer = Dodil_Ignite_V1_SaveDraftResponse()
    answer.draft = Dodil_Ignite_V1_DraftInfo(draft)
    return answer
  }

  /// The draft; an empty answer when there is none.
  package func getDraftInfo(
    _ message: Dodil_Ignite_V1_GetDraftInfoRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_GetDraftInfoResponse {
    try await meet(.getDraftInfo, caller)
    var answer = Dodil_Ignite_V1_GetDraftInfoResponse()
    if let draft = try await compute.draft(message.organizationName, message.appName, as: caller) {
      answer.draft = Dodil_Ignite_V1_DraftInfo(draft)
    }
    return answer
  }

  package func compileDraft(
    _ message: Dodil_Ignite_V1_CompileDraftRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_CompileDraftResponse {
    try await meet(.compileDraft, caller)
    let draft = try await compute.compileDraft(message.organizationName, message.appName, as: caller)
    var answer = Dodil_Ignite_V1_CompileDraftResponse()
    answer.deployID = draft.deploy?.text ?? ""
    answer.draft = Dodil_Ignite_V1_DraftInfo(draft)
    return answer
  }

  /// The compile's log from its beginning, or without so many lines, which the caller has; live until its end.
  package func streamCompileLogs(
    _ message: Dodil_Ignite_V1_StreamCompileLogsRequest, after: Int? = nil, as caller: Identity
  ) async throws(Failure) -> LogSequence {
    try await meet(.streamCompileLogs, caller)
    var log = try await compute.compileLog(message.deployID, after: after ?? 0, as: caller)
    log.slow = SlowLog(faults: compute.faults, organization: caller.organization)
    return log
  }

  package func testDraft(
    _ message: Dodil_Ignite_V1_TestDraftRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_TestDraftResponse {
    try await meet(.testDraft, caller)
    let tested = try await compute.testDraft(InvokeOrder(message), as: caller)
    var answer = Dodil_Ignite_V1_TestDraftResponse()
    answer.statusCode = UInt32(clamping: tested.status)
    answer.headers = headerMap(tested.headers)
    answer.body = Data(tested.body)
    answer.executionID = tested.execution.text
    return answer
  }

  package func publishDraft(
    _ message: Dodil_Ignite_V1_PublishDraftRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_PublishDraftResponse {
    try await meet(.publishDraft, caller)
    let (view, urls) = try await compute.publishDraft(message.organizationName, message.appName, as: caller)
    var answer = Dodil_Ignite_V1_PublishDraftResponse()
    answer.version = view.version.number
    answer.app = Dodil_Ignite_V1_AppMeta(view)
    answer.urls = urls
    return answer
  }

  // MARK: - Versions

  package func listAppVersions(
    _ message: Dodil_Ignite_V1_ListAppVersionsRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_ListAppVersionsResponse {
    try await meet(.listAppVersions, caller)
    let (versions, active, unready) = try await compute.versions(message.organizationName, message.appName, as: caller)
    var answer = Dodil_Ignite_V1_ListAppVersionsResponse()
    answer.versions = versions.map { Dodil_Ignite_V1_AppVersionInfo($0, active: active, unready: unready) }
    return answer
  }

  package func getAppVersion(
    _ message: Dodil_Ignite_V1_GetAppVersionRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_GetAppVersionResponse {
    try await meet(.getAppVersion, caller)
    var answer = Dodil_Ignite_V1_GetAppVersionResponse()
    answer.app = Dodil_Ignite_V1_AppMeta(
      try await compute.version(message.organizationName, message.appName, message.version, as: caller))
    return answer
  }

  package func rollbackApp(
    _ message: Dodil_Ignite_V1_RollbackAppRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_RollbackAppResponse {
    try await meet(.rollbackApp, caller)
    let version = try await compute.rollback(
      message.organizationName, message.appName, to: message.version, as: caller)
    var answer = Dodil_Ignite_V1_RollbackAppResponse()
    answer.activeVersion = version.number
    return answer
  }
}
