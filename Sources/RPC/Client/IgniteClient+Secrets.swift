import API
import Diagnostics
import GRPCCore
import GRPCNIOTransportHTTP2

extension IgniteClient {
  /// Makes a secret or overwrites it; answers without its value.
  package func createSecret(
    _ message: Dodil_Ignite_V1_CreateSecretRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_CreateSecretResponse {
    try await answer { try await secrets.createSecret(message, metadata: metadata, options: Self.options) }
  }

  /// One secret with its value.
  package func getSecret(
    _ message: Dodil_Ignite_V1_GetSecretRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_GetSecretResponse {
    try await answer { try await secrets.getSecret(message, metadata: metadata, options: Self.options) }
  }

  /// All secrets of the organisation, without values.
  package func listSecrets(
    _ message: Dodil_Ignite_V1_ListSecretsRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_ListSecretsResponse {
    try await answer { try await secrets.listSecrets(message, metadata: metadata, options: Self.options) }
  }

  /// Takes a secret away.
  package func deleteSecret(
    _ message: Dodil_Ignite_V1_DeleteSecretRequest
  ) async throws(Failure) -> Dodil_Ignite_V1_DeleteSecretResponse {
    try await answer { try await secrets.deleteSecret(message, metadata: metadata, options: Self.options) }
  }
}
