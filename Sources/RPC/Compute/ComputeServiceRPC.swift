import API
import Diagnostics
import GRPCCore
import Service
import Wire

/// ComputeService by gRPC: finds out who calls and passes the message on.
package struct ComputeServiceRPC: Dodil_Ignite_V1_ComputeService.ServiceProtocol {
  let calls: @Sendable () async -> ContractCalls
  let callers: Callers

  /// `calls` is asked at every call: after a reset they are others.
  package init(identities: IdentityService, calls: @escaping @Sendable () async -> ContractCalls) {
    self.calls = calls
    callers = Callers(identities: identities)
  }

  package func createApp(
    request: ServerRequest<Dodil_Ignite_V1_CreateAppRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_CreateAppResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.createApp(request.message, as: caller))
  }

  package func getApp(
    request: ServerRequest<Dodil_Ignite_V1_GetAppRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_GetAppResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.getApp(request.message, as: caller))
  }

  package func listApps(
    request: ServerRequest<Dodil_Ignite_V1_ListAppsRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_ListAppsResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.listApps(request.message, as: caller))
  }

  package func updateAppConfig(
    request: ServerRequest<Dodil_Ignite_V1_UpdateAppConfigRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_UpdateAppConfigResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.updateAppConfig(request.message, as: caller))
  }

  package func deleteApp(
    request: ServerRequest<Dodil_Ignite_V1_DeleteAppRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_DeleteAppResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.deleteApp(request.message, as: caller))
  }

  package func getAppState(
    request: ServerRequest<Dodil_Ignite_V1_GetAppStateRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_GetAppStateResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.getAppState(request.message, as: caller))
  }

  package func saveDraft(
    request: ServerRequest<Dodil_Ignite_V1_SaveDraftRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_SaveDraftResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.saveDraft(request.message, as: caller))
  }

  package func getDraftInfo(
    request: ServerRequest<Dodil_Ignite_V1_GetDraftInfoRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_GetDraftInfoResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.getDraftInfo(request.message, as: caller))
  }

  package func compileDraft(
    request: ServerRequest<Dodil_Ignite_V1_CompileDraftRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_CompileDraftResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.compileDraft(request.message, as: caller))
  }

  package func testDraft(
    request: ServerRequest<Dodil_Ignite_V1_TestDraftRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_TestDraftResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.testDraft(request.message, as: caller))
  }

  package func publishDraft(
    request: ServerRequest<Dodil_Ignite_V1_PublishDraftRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_PublishDraftResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.publishDraft(request.message, as: caller))
  }

  package func listAppVersions(
    request: ServerRequest<Dodil_Ignite_V1_ListAppVersionsRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_ListAppVersionsResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.listAppVersions(request.message, as: caller))
  }

  package func getAppVersion(
    request: ServerRequest<Dodil_Ignite_V1_GetAppVersionRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_GetAppVersionResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.getAppVersion(request.message, as: caller))
  }

  package func rollbackApp(
    request: ServerRequest<Dodil_Ignite_V1_RollbackAppRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_RollbackAppResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.rollbackApp(request.message, as: caller))
  }

  package func invokeAsync(
    request: ServerRequest<Dodil_Ignite_V1_InvokeRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_InvokeAsyncResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.invokeAsync(request.message, as: caller))
  }

  package func getExecution(
    request: ServerRequest<Dodil_Ignite_V1_GetExecutionRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_GetExecutionResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.getExecution(request.message, as: caller))
  }

  package func getAppLogs(
    request: ServerRequest<Dodil_Ignite_V1_GetAppLogsRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_GetAppLogsResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.getAppLogs(request.message, as: caller))
  }

  package func getBuildLog(
    request: ServerRequest<Dodil_Ignite_V1_GetBuildLogRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_GetBuildLogResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().compute.getBuildLog(request.message, as: caller))
  }

  /// The one RPC that asks for no token.
  package func healthCheck(
    request: ServerRequest<Dodil_Ignite_V1_HealthCheckRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_HealthCheckResponse> {
    ServerResponse(message: try await calls().compute.healthCheck())
  }
}
