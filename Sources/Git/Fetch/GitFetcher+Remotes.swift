import Diagnostics
import Outbound
import SystemPackage

extension GitFetcher {
  /// Reaches repositories over http(s) by `client`, over ssh by the system's `ssh`, and in folders of this machine.
  ///
  /// `environment` is what `ssh` gets. What of it an order may use, its `transports` say.
  package init(store: GitStore, client: OutboundClient, limits: GitLimits, environment: [String: String]) {
    self.init(store: store, limits: limits) { address, credentials, lead throws(Failure) in
      switch address.transport {
      case .https, .http:
        return try HTTPRemote(address: address, credentials: credentials, client: client, limits: limits, lead: lead)
      case .ssh: return try SSHRemote(address: address, environment: environment, limits: limits)
      case .file: return try LocalRepository(path: FilePath(address.path), limits: limits)
      }
    }
  }
}
