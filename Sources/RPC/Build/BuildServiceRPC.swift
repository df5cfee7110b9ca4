import API
import Diagnostics
import GRPCCore
import Service
import Wire

/// BuildService by gRPC: finds out who calls and passes the message on.
package struct BuildServiceRPC: Dodil_Ignite_V1_BuildService.ServiceProtocol {
  /// As health knows it.
  package static let name = Dodil_Ignite_V1_BuildService.descriptor.fullyQualifiedService

  private let calls: @Sendable () async -> ContractCalls
  private let callers: Callers
  private let patience: Duration

  /// `calls` is asked at every call: after a reset they are others. `patience` is how long an upload may bring nothing.
  package init(
    identities: IdentityService, patience: Duration = .seconds(120),
    calls: @escaping @Sendable () async -> ContractCalls
  ) {
    self.calls = calls
    self.patience = patience
    self.callers = Callers(identities: identities)
  }

  package func createBuild(
    request: ServerRequest<Dodil_Ignite_V1_CreateBuildRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_CreateBuildResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().builds.createBuild(request.message, as: caller))
  }

  package func getBuild(
    request: ServerRequest<Dodil_Ignite_V1_GetBuildRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_GetBuildResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().builds.getBuild(request.message, as: caller))
  }

  package func listBuilds(
    request: ServerRequest<Dodil_Ignite_V1_ListBuildsRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_ListBuildsResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().builds.listBuilds(request.message, as: caller))
  }

  package func streamBuildLogs(
    request: ServerRequest<Dodil_Ignite_V1_StreamBuildLogsRequest>,
    context: ServerContext
  ) async throws -> StreamingServerResponse<Dodil_Ignite_V1_StreamBuildLogsResponse> {
    let caller = try await callers.caller(of: request.metadata)
    let after = try request.metadata[stringValues: "last-event-id"].first { _ in true }.map(ResumePoint.number)
    let log = try await calls().builds.streamBuildLogs(request.message, after: after, as: caller)
    return StreamingServerResponse { writer in
      try await endingWithTheCall(context) {
        for try await batch in log { try await writer.write(contentsOf: batch.messages) }
      }
      return [:]
    }
  }

  package func cancelBuild(
    request: ServerRequest<Dodil_Ignite_V1_CancelBuildRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_CancelBuildResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().builds.cancelBuild(request.message, as: caller))
  }

  package func saveBuildSecrets(
    request: ServerRequest<Dodil_Ignite_V1_SaveBuildSecretsRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_SaveBuildSecretsResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().builds.saveBuildSecrets(request.message, as: caller))
  }

  package func uploadBuildContext(
    request: StreamingServerRequest<Dodil_Ignite_V1_UploadBuildContextRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_UploadBuildContextResponse> {
    let caller = try await callers.caller(of: request.metadata)
    let patience = UploadPatience(patience)
    let calls = await calls().builds
    let messages = request.messages.map { message in
      patience.renew()
      return message
    }
    return ServerResponse(
      message: try await patience.during { try await calls.uploadBuildContext(messages, as: caller) })
  }
}
