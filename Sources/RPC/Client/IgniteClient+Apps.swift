import API
import Diagnostics
import GRPCCore
import GRPCNIOTransportHTTP2

extension IgniteClient {
  /// Makes an app.
  package func createApp(
    _ message: Dodil_Ignite_V1_CreateAppRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_CreateAppResponse {
    try await answer { try await compute.createApp(message, metadata: metadata, options: Self.options) }
  }

  /// One app.
  package func getApp(
    _ message: Dodil_Ignite_V1_GetAppRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_GetAppResponse {
    try await answer { try await compute.getApp(message, metadata: metadata, options: Self.options) }
  }

  /// One page of apps.
  package func listApps(
    _ message: Dodil_Ignite_V1_ListAppsRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_ListAppsResponse {
    try await answer { try await compute.listApps(message, metadata: metadata, options: Self.options) }
  }

  /// Changes what the message carries.
  package func updateAppConfig(
    _ message: Dodil_Ignite_V1_UpdateAppConfigRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_UpdateAppConfigResponse {
    try await answer { try await compute.updateAppConfig(message, metadata: metadata, options: Self.options) }
  }

  /// Takes an app away with all that belongs to it.
  package func deleteApp(
    _ message: Dodil_Ignite_V1_DeleteAppRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_DeleteAppResponse {
    try await answer { try await compute.deleteApp(message, metadata: metadata, options: Self.options) }
  }

  /// How an app is served now.
  package func getAppState(
    _ message: Dodil_Ignite_V1_GetAppStateRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_GetAppStateResponse {
    try await answer { try await compute.getAppState(message, metadata: metadata, options: Self.options) }
  }

  /// Puts code into the draft.
  package func saveDraft(
    _ message: Dodil_Ignite_V1_SaveDraftRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_SaveDraftResponse {
    try await answer { try await compute.saveDraft(message, metadata: metadata, options: Self.options) }
  }

  /// What the draft is; without a draft when there is none.
  package func getDraftInfo(
    _ message: Dodil_Ignite_V1_GetDraftInfoRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_GetDraftInfoResponse {
    try await answer { try await compute.getDraftInfo(message, metadata: metadata, options: Self.options) }
  }

  /// Makes an image of the draft.
  package func compileDraft(
    _ message: Dodil_Ignite_V1_CompileDraftRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_CompileDraftResponse {
    try await answer { try await compute.compileDraft(message, metadata: metadata, options: Self.options) }
  }

  /// Calls the draft.
  package func testDraft(
    _ message: Dodil_Ignite_V1_TestDraftRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_TestDraftResponse {
    try await answer { try await compute.testDraft(message, metadata: metadata, options: Self.options) }
  }

  /// Freezes the draft as the next version, which is called from now on.
  package func publishDraft(
    _ message: Dodil_Ignite_V1_PublishDraftRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_PublishDraftResponse {
    try await answer { try await compute.publishDraft(message, metadata: metadata, options: Self.options) }
  }

  /// The published versions, newest first.
  package func listAppVersions(
    _ message: Dodil_Ignite_V1_ListAppVersionsRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_ListAppVersionsResponse {
    try await answer { try await compute.listAppVersions(message, metadata: metadata, options: Self.options) }
  }

  /// An app as one version has it.
  package func getAppVersion(
    _ message: Dodil_Ignite_V1_GetAppVersionRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_GetAppVersionResponse {
    try await answer { try await compute.getAppVersion(message, metadata: metadata, options: Self.options) }
  }

  /// Has an earlier version called from now on.
  package func rollbackApp(
    _ message: Dodil_Ignite_V1_RollbackAppRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_RollbackAppResponse {
    try await answer { try await compute.rollbackApp(message, metadata: metadata, options: Self.options) }
  }

  /// One execution.
  package func getExecution(
    _ message: Dodil_Ignite_V1_GetExecutionRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_GetExecutionResponse {
    try await answer { try await compute.getExecution(message, metadata: metadata, options: Self.options) }
  }

  /// The last lines that the running replicas wrote.
  package func getAppLogs(
    _ message: Dodil_Ignite_V1_GetAppLogsRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_GetAppLogsResponse {
    try await answer { try await compute.getAppLogs(message, metadata: metadata, options: Self.options) }
  }

  /// Hands each line of a compile to `each` until it is over.
  package func streamCompileLogs(
    _ message: Dodil_Ignite_V1_StreamCompileLogsRequest,
    _ each: @escaping @Sendable (Dodil_Ignite_V1_StreamCompileLogsResponse) async throws -> Void
  ) async throws(Failure) {
    try await answer {
      try await compute.streamCompileLogs(message, metadata: metadata, options: Self.options) { response in
        for try await message in response.messages { try await each(message) }
      }
    }
  }

  /// Hands each line that replicas write to `each` until the caller has enough.
  package func streamAppLogs(
    _ message: Dodil_Ignite_V1_GetAppLogsRequest,
    _ each: @escaping @Sendable (Dodil_Ignite_V1_AppLogLine) async throws -> Void
  ) async throws(Failure) {
    try await answer {
      try await compute.streamAppLogs(message, metadata: metadata, options: Self.options) { response in
        for try await message in response.messages { try await each(message) }
      }
    }
  }

  /// Calls an app, and hands each frame of its answer to `each`.
  package func invoke(
    _ message: Dodil_Ignite_V1_InvokeRequest,
    _ each: @escaping @Sendable (Dodil_Ignite_V1_InvokeResponse) async throws -> Void
  ) async throws(Failure) {
    try await answer {
      try await compute.invoke(message, metadata: metadata, options: Self.options) { response in
        for try await message in response.messages { try await each(message) }
      }
    }
  }

  /// Hands an execution to `each` whenever it changes, until it is over.
  package func watchExecution(
    _ message: Dodil_Ignite_V1_GetExecutionRequest,
    _ each: @escaping @Sendable (Dodil_Ignite_V1_WatchExecutionResponse) async throws -> Void
  ) async throws(Failure) {
    try await answer {
      try await compute.watchExecution(message, metadata: metadata, options: Self.options) { response in
        for try await message in response.messages { try await each(message) }
      }
    }
  }
}
