import Diagnostics
import FoundationEssentials
import Remote
import Storage

/// The organisations' credential slots, each sealed at rest for its own organisation, name and type.
///
/// Who uses a slot asks for it afresh each time, so that a rotated credential is used from the next pull or fetch on.
package struct SecretStore: Sendable {
  /// Slots of one organisation; ListSecrets has no pages.
  package static let limit = 1000

  private let data: DataDirectory

  package init(data: DataDirectory) { self.data = data }

  /// What to show the registry that the slot is for. Throws `secret-unknown` (NOT_FOUND) without such a slot, and
  /// `secret-type-wrong` (INVALID_ARGUMENT) for one of git.
  package func registryCredential(
    _ name: SecretSlotName, of organization: OrganizationName
  ) throws(Failure) -> SlotRegistryCredential {
    guard case .registry(let username, let password, let address) = try value(name, .registry, of: organization) else {
      throw Self.unreadable(name)
    }
    return SlotRegistryCredential(
      host: address.isEmpty ? "docker.io" : BuildSecretStore.registryHost(address),
      credential: .password(user: username, secret: password.text ?? ""))
  }

  /// What to show a git server. Throws `secret-unknown` (NOT_FOUND) without such a slot, and `secret-type-wrong`
  /// (INVALID_ARGUMENT) for one of a registry.
  package func gitCredential(
    _ name: SecretSlotName, of organization: OrganizationName
  ) throws(Failure) -> BuildSecrets.GitCredentials {
    guard case .git(let username, let token) = try value(name, .git, of: organization) else {
      throw Self.unreadable(name)
    }
    return BuildSecrets.GitCredentials(username: username, password: token.text ?? "")
  }

  /// Throws as the two above do, without opening anything: whether `name` may be referred to where `type` is needed.
  package func check(
    _ name: SecretSlotName, is type: SecretSlotType, of organization: OrganizationName
  ) throws(Failure) {
    _ = try record(name, type, of: organization)
  }

  // MARK: - For SecretService

  func save(
    _ value: SecretSlot.Value, as name: SecretSlotName, of organization: OrganizationName, at now: Timestamp
  ) throws(Failure) -> SecretSlot {
    let plain: [UInt8]
    do { plain = Array(try JSONEncoder().encode(SealedText(value))) } catch {
      throw Failure(.internal, reason: "internal", "secret '\(name)' could not be written")
    }
    let sealed = try data.seal.seal(plain, context: Self.context(organization, name, value.type))
    let record = SecretSlotRecord(
      organization: organization, name: name, type: value.type, sealed: sealed, createdAt: now, updatedAt: now)
    guard let saved = try data.ledger.saveSecretSlot(record, limit: Self.limit) else {
      throw Failure(
        .resourceExhausted, reason: "secrets-full",
        "organisation '\(organization)' has \(Self.limit) secrets, and there is no room for '\(name)'",
        hint: "take away what nobody uses with: kindling secret delete NAME")
    }
    return SecretSlot(saved)
  }

  func slot(
    _ name: SecretSlotName, of organization: OrganizationName
  ) throws(Failure) -> (SecretSlot, SecretSlot.Value) {
    let record = try record(name, nil, of: organization)
    return (SecretSlot(record), try opened(record))
  }

  func slots(of organization: OrganizationName) throws(Failure) -> [SecretSlot] {
    try data.ledger.secretSlots(of: organization).map { SecretSlot($0) }
  }

  func delete(_ name: SecretSlotName, of organization: OrganizationName) throws(Failure) {
    try data.ledger.deleteSecretSlot(name, of: organization)
  }

  // MARK: - Rows and seals

  private func value(
    _ name: SecretSlotName, _ type: SecretSlotType, of organization: OrganizationName
  ) throws(Failure) -> SecretSlot.Value {
    try opened(try record(name, type, of: organization))
  }

  private func record(
    _ name: SecretSlotName, _ type: SecretSlotType?, of organization: OrganizationName
  ) throws(Failure) -> SecretSlotRecord {
    guard let record = try data.ledger.secretSlot(name, of: organization) else {
      throw Failure(
        .notFound, reason: "secret-unknown", "secret '\(name)' does not exist in organisation '\(organization)'",
        hint: "see what there is with: kindling secret list; make it with: kindling secret create \(name) --type "
          + (type ?? .registry).commandLine)
    }
    guard let type, record.type != type else { return record }
    throw Failure(
      .invalidArgument, reason: "secret-type-wrong",
      "secret '\(name)' is a \(record.type.rawValue), where a \(type.rawValue) is needed",
      hint: "name another one, or put such a credential into it with: kindling secret create \(name) --type "
        + type.commandLine)
  }

  private func opened(_ record: SecretSlotRecord) throws(Failure) -> SecretSlot.Value {
    let plain = try data.seal.open(
      record.sealed, context: Self.context(record.organization, record.name, record.type))
    // What a decoder says of bytes it cannot read may quote them.
    guard let text = try? JSONDecoder().decode(SealedText.self, from: Data(plain)) else {
      throw Self.unreadable(record.name)
    }
    return text.value(of: record.type)
  }

  private static func context(
    _ organization: OrganizationName, _ name: SecretSlotName, _ type: SecretSlotType
  ) -> String { "secret-slots/\(organization)/\(name)/\(type.rawValue)" }

  private static func unreadable(_ name: SecretSlotName) -> Failure {
    Failure(
      .dataLoss, reason: "secret-unreadable", "secret '\(name)' cannot be read",
      hint: "save it again with: kindling secret create \(name)")
  }
}

/// A registry and what to show it.
package struct SlotRegistryCredential: Sendable {
  /// As `RemoteName` has it: `docker.io` for Docker Hub.
  package var host: String
  package var credential: RegistryCredential

  /// For a pull: this credential for its own registry, none for any other.
  package var credentials: RegistryCredentials { RegistryCredentials(credential, for: host) }
}

/// What is sealed; other versions must read it.
private struct SealedText: Codable {
  var username: String
  var secret: String
  var serverAddress: String?

  init(_ value: SecretSlot.Value) {
    switch value {
    case .git(let username, let token):
      self.username = username
      secret = token.text ?? ""
    case .registry(let username, let password, let address):
      self.username = username
      secret = password.text ?? ""
      serverAddress = address
    }
  }

  func value(of type: SecretSlotType) -> SecretSlot.Value {
    switch type {
    case .git: .git(username: username, token: SecretValue(secret))
    case .registry:
      .registry(username: username, password: SecretValue(secret), serverAddress: serverAddress ?? "")
    }
  }
}

extension SecretSlotType {
  /// What follows `--type`.
  fileprivate var commandLine: String {
    switch self {
    case .git: "git --username USER --token -"
    case .registry: "registry --username USER --password - --server-address HOST"
    }
  }
}
