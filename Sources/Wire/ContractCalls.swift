import Service

/// The contract's services in their own messages: what both doors call once they know the caller.
package struct ContractCalls: Sendable {
  package let builds: BuildCalls
  package let secrets: SecretCalls

  package init(builds: BuildCalls, secrets: SecretCalls) {
    self.builds = builds
    self.secrets = secrets
  }
}
