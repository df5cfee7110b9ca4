import Diagnostics
import Service

/// The contract's services in their own messages: what both doors call once they know the caller.
package struct ContractCalls: Sendable {
  package let builds: BuildCalls
  package let secrets: SecretCalls
  private let apps: ComputeCalls?

  /// Without `compute` this run of the server has no ComputeService.
  package init(builds: BuildCalls, secrets: SecretCalls, compute: ComputeCalls? = nil) {
    self.builds = builds
    self.secrets = secrets
    apps = compute
  }

  package var compute: ComputeCalls {
    get throws(Failure) {
      guard let apps else {
        throw Failure(.unimplemented, reason: "service-off", "ComputeService is not offered by this server")
      }
      return apps
    }
  }
}
