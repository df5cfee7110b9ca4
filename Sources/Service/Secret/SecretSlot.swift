import Diagnostics
import Storage

/// A credential that apps name by its slot: what a private image is pulled with, or a private repository fetched with.
package struct SecretSlot: Sendable, Hashable {
  /// Prints without its secret part.
  package enum Value: Sendable, Hashable {
    case git(username: String, token: SecretValue)
    /// An empty address is Docker Hub's.
    case registry(username: String, password: SecretValue, serverAddress: String)

    package var type: SecretSlotType {
      switch self {
      case .git: .git
      case .registry: .registry
      }
    }
  }

  package var name: SecretSlotName
  package var type: SecretSlotType
  package var createdAt: Timestamp
  package var updatedAt: Timestamp

  init(_ record: SecretSlotRecord) {
    name = record.name
    type = record.type
    createdAt = record.createdAt
    updatedAt = record.updatedAt
  }
}

extension SecretSlot.Value {
  /// More than any token, and than a cloud provider's key file that is used as a password.
  static let longestSecret = 64 << 10
  static let longestWord = 255

  /// Throws INVALID_ARGUMENT for what no registry and no git server could be shown, with the member's name and never
  /// with its value.
  func check() throws(Failure) {
    switch self {
    case .git(let username, let token):
      try Self.checkUser(username, "git_secret.username", isNeeded: false)
      try Self.checkSecret(token, "git_secret.token")
      guard !token.bytes.contains(where: { $0 == 0x0a || $0 == 0x0d }) else {
        throw Self.invalid("git_secret.token holds a line break", "send the token alone; files often end with one")
      }
    case .registry(let username, let password, let address):
      try Self.checkUser(username, "registry_secret.username", isNeeded: true)
      try Self.checkSecret(password, "registry_secret.password")
      guard address.isEmpty || BuildSecrets.isHost(BuildSecretStore.registryHost(address)) else {
        throw Self.invalid(
          "registry_secret.server_address is '\(Shown.text(address))', which names no registry",
          "use the host as references write it, such as ghcr.io or localhost:5000; leave it empty for Docker Hub")
      }
    }
  }

  private static func checkUser(_ text: String, _ member: String, isNeeded: Bool) throws(Failure) {
    guard !isNeeded || !text.isEmpty else {
      throw invalid("\(member) is empty", "send the user name; registries that want a token alone take any")
    }
    // HTTP's Basic scheme parts name and password at the first colon.
    guard text.utf8.count <= longestWord, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x3a && $0 != 0x7f }) else {
      throw invalid(
        "\(member) holds a ':' or a control character, or is longer than \(longestWord) bytes",
        "send the name as it is typed at a prompt")
    }
  }

  private static func checkSecret(_ secret: SecretValue, _ member: String) throws(Failure) {
    guard !secret.bytes.isEmpty else { throw invalid("\(member) is empty", "send the token or password") }
    guard secret.bytes.count <= longestSecret, !secret.bytes.contains(0) else {
      throw invalid("\(member) holds a NUL byte or is longer than 64 KiB", "send the token or password as text")
    }
  }

  private static func invalid(_ words: String, _ hint: String) -> Failure {
    Failure(.invalidArgument, reason: "secret-value-invalid", words, hint: hint)
  }
}
