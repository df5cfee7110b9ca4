import API
import Service

extension BuildSecrets {
  /// The secrets as a message carries them. Git credentials with neither name nor password count as absent,
  /// since a JSON client may well send the empty object.
  package init(_ message: Dodil_Ignite_V1_SaveBuildSecretsRequest) {
    let git = message.gitCredentials
    let isEmpty = git.username.isEmpty && git.password.isEmpty
    self.init(
      registryCredentials: message.registryCredentials,
      gitCredentials: isEmpty ? nil : GitCredentials(username: git.username, password: git.password),
      buildSecrets: message.buildSecrets
    )
  }
}
