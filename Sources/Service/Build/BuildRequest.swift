import Diagnostics
import Storage

/// What a caller asks of CreateBuild, before anything was checked. Members and defaults: contract §1.1.
package struct BuildRequest: Sendable {
  package var name = ""
  package var dockerfile = ""
  package var tags: [String] = []
  package var buildArgs: [String: String] = [:]
  package var platform = ""
  package var noCache = false
  package var timeoutSeconds: UInt64 = 0
  package var source: Source?
  package var registry = ""
  package var repository = ""

  package enum Source: Sendable {
    case context(String)
    case inline([UInt8])
    case git(url: String, reference: String, directory: String)
  }

  package init() {}
}

/// One page of ListBuilds, newest first.
package struct BuildPage: Sendable {
  package var builds: [BuildRecord]
  /// Empty on the last page.
  package var nextCursor: String
}

/// What SaveBuildSecrets carries: a group that is empty is left as it was.
package struct BuildSecrets: Sendable {
  package struct GitCredentials: Sendable, Codable {
    package var username: String
    package var password: String
    package init(username: String, password: String) {
      self.username = username
      self.password = password
    }
  }
  /// What SaveBuildSecrets replaces as one.
  package enum Group: String, Sendable, CaseIterable {
    case registryCredentials, gitCredentials, buildSecrets

    /// The contract's own name of the member.
    package var member: String {
      switch self {
      case .registryCredentials: "registry_credentials"
      case .gitCredentials: "git_credentials"
      case .buildSecrets: "build_secrets"
      }
    }

    /// By the member's name in either spelling; nil for any other word.
    package init?(_ name: String) {
      guard let group = Self.allCases.first(where: { $0.rawValue == name || $0.member == name }) else { return nil }
      self = group
    }
  }

  package var registryCredentials: [String: String]
  package var gitCredentials: GitCredentials?
  package var buildSecrets: [String: String]
  package init(
    registryCredentials: [String: String], gitCredentials: GitCredentials?, buildSecrets: [String: String]
  ) {
    self.registryCredentials = registryCredentials
    self.gitCredentials = gitCredentials
    self.buildSecrets = buildSecrets
  }
}

/// Where a follower of a build's events or of its log's lines begins.
package enum EventStart: Sendable, Hashable {
  case beginning
  /// Only what happens from now on; nothing at all on a finished build.
  case now
  /// What comes after the event of this sequence number, or after so many lines.
  case after(Int)
}

/// What UploadBuildContext answers.
package struct ContextReceipt: Sendable, Hashable {
  package var id: ContextID
  package var size: ByteCount
}
