import API
import Diagnostics
import HTTPTypes
import Wire

extension ContractRoute {
  /// SecretService.
  static let secret: [ContractRoute] = [
    unary("CreateSecret", .post, "/v1/ignite/secrets") { (calls, message, caller) async throws(Failure) in
      try await calls.secrets.createSecret(message, as: caller)
    },
    unary("ListSecrets", .get, "/v1/ignite/secrets") { (calls, message, caller) async throws(Failure) in
      try await calls.secrets.listSecrets(message, as: caller)
    },
    unary("GetSecret", .get, "/v1/ignite/secrets/{name}") { (calls, message, caller) async throws(Failure) in
      try await calls.secrets.getSecret(message, as: caller)
    },
    unary("DeleteSecret", .delete, "/v1/ignite/secrets/{name}") { (calls, message, caller) async throws(Failure) in
      try await calls.secrets.deleteSecret(message, as: caller)
    },
  ]
}
