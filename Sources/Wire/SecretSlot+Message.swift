import API
import Diagnostics
import Service
import Storage

extension SecretSlot.Value {
  /// The credential that a message carries; nil when it carries none.
  init?(_ message: Dodil_Ignite_V1_SecretValue) {
    switch message.value {
    case .gitSecret(let git): self = .git(username: git.username, token: SecretValue(git.token))
    case .registrySecret(let registry):
      self = .registry(
        username: registry.username, password: SecretValue(registry.password), serverAddress: registry.serverAddress)
    case nil: return nil
    }
  }
}

extension Dodil_Ignite_V1_SecretValue {
  /// The credential in plain, for who is allowed to read it.
  init(_ value: SecretSlot.Value) {
    self.init()
    switch value {
    case .git(let username, let token):
      gitSecret.username = username
      gitSecret.token = token.text ?? ""
    case .registry(let username, let password, let address):
      registrySecret.username = username
      registrySecret.password = password.text ?? ""
      registrySecret.serverAddress = address
    }
  }
}

extension Dodil_Ignite_V1_SecretMetadata {
  init(_ slot: SecretSlot) {
    self.init()
    name = slot.name.name
    type = slot.type.rawValue
    createdAtMs = slot.createdAt.milliseconds
    updatedAtMs = slot.updatedAt.milliseconds
  }
}
