import API
import Diagnostics
import Service
import Storage

/// The contract's SecretService in its own messages, one method for each RPC.
package struct SecretCalls: Sendable {
  private let secrets: SecretService

  package init(_ secrets: SecretService) { self.secrets = secrets }

  private func meet(_ place: Fault.Place, _ caller: Identity) async throws(Failure) {
    try await secrets.faults.meet(place, of: caller.organization.name)
  }

  /// Makes a slot or overwrites it; answers without its value.
  package func createSecret(
    _ message: Dodil_Ignite_V1_CreateSecretRequest,
    as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_CreateSecretResponse {
    try await meet(.createSecret, caller)
    let slot = try secrets.createSecret(message.name, SecretSlot.Value(message.value), as: caller)
    var answer = Dodil_Ignite_V1_CreateSecretResponse()
    answer.metadata = Dodil_Ignite_V1_SecretMetadata(slot)
    return answer
  }

  /// One slot with its value.
  package func getSecret(
    _ message: Dodil_Ignite_V1_GetSecretRequest,
    as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_GetSecretResponse {
    try await meet(.getSecret, caller)
    let (slot, value) = try secrets.secret(message.name, as: caller)
    var answer = Dodil_Ignite_V1_GetSecretResponse()
    answer.metadata = Dodil_Ignite_V1_SecretMetadata(slot)
    answer.value = Dodil_Ignite_V1_SecretValue(value)
    return answer
  }

  /// All slots of the caller's organisation, without values.
  package func listSecrets(
    _ message: Dodil_Ignite_V1_ListSecretsRequest,
    as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_ListSecretsResponse {
    try await meet(.listSecrets, caller)
    var answer = Dodil_Ignite_V1_ListSecretsResponse()
    answer.secrets = try secrets.secrets(as: caller).map { Dodil_Ignite_V1_SecretMetadata($0) }
    return answer
  }

  /// Takes a slot away.
  package func deleteSecret(
    _ message: Dodil_Ignite_V1_DeleteSecretRequest,
    as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_DeleteSecretResponse {
    try await meet(.deleteSecret, caller)
    try secrets.deleteSecret(message.name, as: caller)
    var answer = Dodil_Ignite_V1_DeleteSecretResponse()
    answer.success = true
    return answer
  }
}
