import API
import Diagnostics
import GRPCCore
import Service
import Wire

/// SecretService by gRPC: finds out who calls and passes the message on.
package struct SecretServiceRPC: Dodil_Ignite_V1_SecretService.ServiceProtocol {
  private let calls: @Sendable () async -> ContractCalls
  private let callers: Callers

  /// `calls` is asked at every call: after a reset they are others.
  package init(identities: IdentityService, calls: @escaping @Sendable () async -> ContractCalls) {
    self.calls = calls
    callers = Callers(identities: identities)
  }

  package func createSecret(
    request: ServerRequest<Dodil_Ignite_V1_CreateSecretRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_CreateSecretResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().secrets.createSecret(request.message, as: caller))
  }

  package func getSecret(
    request: ServerRequest<Dodil_Ignite_V1_GetSecretRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_GetSecretResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().secrets.getSecret(request.message, as: caller))
  }

  package func listSecrets(
    request: ServerRequest<Dodil_Ignite_V1_ListSecretsRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_ListSecretsResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().secrets.listSecrets(request.message, as: caller))
  }

  package func deleteSecret(
    request: ServerRequest<Dodil_Ignite_V1_DeleteSecretRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Dodil_Ignite_V1_DeleteSecretResponse> {
    let caller = try await callers.caller(of: request.metadata)
    return ServerResponse(message: try await calls().secrets.deleteSecret(request.message, as: caller))
  }
}
