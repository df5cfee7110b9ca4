import Diagnostics
import FoundationEssentials
import Storage

/// The organisation's build credentials, sealed at rest, one sealed text for each group.
struct BuildSecretStore {
  private enum Group: String { case registryCredentials, gitCredentials, buildSecrets }

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

  private func save(_ value: some Encodable, in group: Group, for organization: OrganizationName) throws(Failure) {
    let plain: [UInt8]
    do { plain = Array(try JSONEncoder().encode(value)) } catch {
      throw Failure(wrapping: error, while: "writing build secrets")
    }
    let sealed = try data.seal.seal(plain, context: "build-secrets/\(organization)/\(group.rawValue)")
    try data.ledger.saveBuildSecrets(organization, group: group.rawValue, sealed: sealed)
  }

  /// Scheme, path and trailing slash taken off, and Docker Hub's several names made one (contract §1.1).
  static func registryHost(_ key: String) -> String {
    let rest = key.firstRange(of: "://").map { key[$0.upperBound...] } ?? key[...]
    let host = String(rest.prefix { $0 != "/" }).lowercased()
    return ["index.docker.io", "registry-1.docker.io"].contains(host) ? "docker.io" : host
  }
}
