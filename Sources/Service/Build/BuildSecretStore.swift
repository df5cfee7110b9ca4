import Diagnostics
import FoundationEssentials
import Outbound
import Remote
import Storage

/// The organisation's build credentials, sealed at rest, one sealed text for each group.
struct BuildSecretStore {
  private typealias Group = BuildSecrets.Group

  let data: DataDirectory

  func save(_ secrets: BuildSecrets, for organization: OrganizationName) throws(Failure) {
    if !secrets.registryCredentials.isEmpty {
      var normalized: [String: String] = [:]
      for (key, value) in secrets.registryCredentials { normalized[Self.registryHost(key)] = value }
      try save(normalized, in: .registryCredentials, for: organization)
    }
    if let git = secrets.gitCredentials { try save(git, in: .gitCredentials, for: organization) }
    if !secrets.buildSecrets.isEmpty { try save(secrets.buildSecrets, in: .buildSecrets, for: organization) }
  }

  /// Forgets one group, or all.
  func clear(_ group: BuildSecrets.Group?, of organization: OrganizationName) throws(Failure) {
    try data.ledger.deleteBuildSecrets(organization, group: group?.rawValue)
  }

  /// What nobody may read who reads a build: all that was saved, in the forms in which it is sent.
  func hidden(of organization: OrganizationName) throws(Failure) -> [SecretValue] {
    var hidden = Array(try buildSecrets(of: organization).values)
    if let git = try gitCredentials(of: organization) {
      hidden.append(SecretValue(git.password))
      hidden.append(SecretValue(BasicScheme.encoded("\(git.username):\(git.password)")))
    }
    for (host, text) in try registryCredentials(of: organization) {
      let secrets = (try? RegistryCredential(saved: text, host: host))?.secrets ?? [text]
      hidden += secrets.map { SecretValue($0) }
    }
    return hidden
  }

  /// What was saved to fetch from git with; nil when nothing was. Throws `seal-broken` when it cannot be opened.
  func gitCredentials(of organization: OrganizationName) throws(Failure) -> BuildSecrets.GitCredentials? {
    try load(.gitCredentials, of: organization)
  }

  private static func context(_ organization: OrganizationName, _ group: Group) -> String {
    "build-secrets/\(organization)/\(group.rawValue)"
  }

  private func save(_ value: some Encodable, in group: Group, for organization: OrganizationName) throws(Failure) {
    let plain: [UInt8]
    do { plain = Array(try JSONEncoder().encode(value)) } catch {
      throw Failure(wrapping: error, while: "writing build secrets")
    }
    let sealed = try data.seal.seal(plain, context: Self.context(organization, group))
    try data.ledger.saveBuildSecrets(organization, group: group.rawValue, sealed: sealed)
  }

  /// What was saved for other registries, host → value as it was given; empty when nothing was.
  func registryCredentials(of organization: OrganizationName) throws(Failure) -> [String: String] {
    try load(.registryCredentials, of: organization) ?? [:]
  }

  /// What builds may ask for by `RUN --mount=type=secret`, by id; empty when nothing was saved.
  func buildSecrets(of organization: OrganizationName) throws(Failure) -> [String: SecretValue] {
    let saved: [String: String] = try load(.buildSecrets, of: organization) ?? [:]
    return saved.mapValues { SecretValue($0) }
  }

  /// One group; nil when none was saved. Throws `build-secrets-unreadable` for one that another version wrote.
  private func load<Value: Decodable>(
    _ group: Group, of organization: OrganizationName
  ) throws(Failure) -> Value? {
    guard let sealed = try data.ledger.buildSecrets(organization)[group.rawValue] else { return nil }
    let plain = try data.seal.open(sealed, context: Self.context(organization, group))
    // What a decoder says of bytes it cannot read may quote them.
    guard let value = try? JSONDecoder().decode(Value.self, from: Data(plain)) else {
      throw Failure(
        .dataLoss, reason: "build-secrets-unreadable", "build secrets '\(group.rawValue)' cannot be read",
        hint: "save them again with SaveBuildSecrets")
    }
    return value
  }

  /// Scheme, path and trailing slash taken off, and Docker Hub's several names made one (contract §1.1).
  static func registryHost(_ key: String) -> String {
    let rest = key.firstRange(of: "://").map { key[$0.upperBound...] } ?? key[...]
    let host = String(rest.prefix { $0 != "/" }).lowercased()
    return ["index.docker.io", "registry-1.docker.io"].contains(host) ? "docker.io" : host
  }
}
