import Diagnostics
import FoundationEssentials
import Storage

extension BuildSecretStore {
  /// What was saved for other registries, host → value as it was given; empty when nothing was.
  func registryCredentials(of organization: OrganizationName) throws(Failure) -> [String: String] {
    let group = "registryCredentials"
    guard let sealed = try data.ledger.buildSecrets(organization)[group] else { return [:] }
    let plain = try data.seal.open(sealed, context: "build-secrets/\(organization)/\(group)")
    // What a decoder says of bytes it cannot read may quote them.
    guard let saved = try? JSONDecoder().decode([String: String].self, from: Data(plain)) else {
      throw Failure(
        .dataLoss, reason: "secrets-damaged", "saved registry credentials cannot be read",
        hint: "save them again with SaveBuildSecrets")
    }
    return saved
  }
}
