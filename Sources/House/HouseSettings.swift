import Builder
import Diagnostics
import Git
import Outbound
import RPC
import Remote
import Runner
import Service
import Storage
import SystemPackage

/// Everything a server is started with; flags and environment are read by the command, not here.
package struct HouseSettings: Sendable {
  /// The main address: page, API, registry and gRPC on one port.
  package var listen: Door.Address
  /// The contract's gRPC address, a second one of the same door.
  package var grpcListen: Door.Address
  package var dataDirectory: FilePath
  package var durability: Durability
  package var authentication: AuthenticationMode
  /// Registry clients need a token even on loopback.
  package var registryAuthRequired: Bool
  /// Host names beyond loopback that requests may name; `*` allows every one.
  package var allowedHosts: [String]
  /// Which repositories builds may be made from, beyond http and https.
  package var gitRules: GitRules
  /// What git servers may make this one do, and how much of what they sent is kept.
  package var gitLimits = GitLimits()
  package var gitCache = GitStore.usualBudget
  /// What builds may have of this machine.
  package var grants = BuildGrants()
  /// What the directories of `RUN --mount=type=cache` may take together.
  package var cacheMounts = ImageBuilder.usualCacheMounts
  /// Builds at once.
  package var workers: Int
  /// What builds do instead of being built; nil builds them.
  package var script: BuildScript?
  /// A build's time when its caller sets none.
  package var buildTimeout = BuildQueue.usualTimeout
  /// What uploaded contexts may take.
  package var contexts = ContextLimits()
  /// What of one build's log is kept on disk.
  package var logLimit = BuildQueue.usualLogLimit
  /// How long running builds may still take when the server is stopped.
  package var stopGrace = Duration.zero
  /// This program, through which RUN steps are started.
  package var executable: FilePath
  package var version: String
  /// Descriptors whose field numbers gRPC clients use instead of ours.
  package var protoset: FilePath?
  /// The variables that say how other servers are reached: proxies, authorities, and where `ssh` is found.
  package var environment: [String: String] = [:]
  /// How far builds reach.
  package var network = NetworkReach.open
  /// Whether images also go to the registry that their build names.
  package var pushesExternally = false
  /// What an empty data directory begins with.
  package var seed: FilePath?
  /// Rules of the container contract that apps need not keep.
  package var relaxations: Relaxations = []
  /// SaveDraft makes no apps.
  package var isStrict = false
  /// Below which domain apps have their host names.
  package var appDomain = AppDomain.standard
  /// How the registries of others are reached.
  package var remote = RemoteSettings()

  package init(
    listen: Door.Address, grpcListen: Door.Address, dataDirectory: FilePath, durability: Durability,
    authentication: AuthenticationMode, registryAuthRequired: Bool, allowedHosts: [String], gitRules: GitRules,
    workers: Int, executable: FilePath, version: String
  ) {
    self.listen = listen
    self.grpcListen = grpcListen
    self.dataDirectory = dataDirectory
    self.durability = durability
    self.authentication = authentication
    self.registryAuthRequired = registryAuthRequired
    self.allowedHosts = allowedHosts
    self.gitRules = gitRules
    self.workers = workers
    self.executable = executable
    self.version = version
  }

  /// Where this server's own requests may go.
  var outboundPolicy: OutboundPolicy {
    var policy = OutboundPolicy()
    policy.userAgent = "kindling/\(version)"
    policy.reach = network == .none ? .loopback : .everywhere
    return policy
  }

  /// The docker configuration of whoever started the server, as long as nobody else can use it.
  var dockerConfig: DockerConfig? {
    get throws(Failure) { isLoopbackOnly ? try DockerConfig.find(environment: environment) : nil }
  }

  /// What `protoset` says; nil without one.
  var fieldNumbers: FieldNumbers? {
    get throws(Failure) {
      guard let protoset else { return nil }
      let bytes: [UInt8]
      do { bytes = Array(try protoset.readContents(limit: .mebibytes(16))) } catch {
        throw Failure(
          .invalidArgument, reason: "protoset-unreadable", "'--protoset \(protoset)' cannot be read",
          hint: "name a file that 'grpcurl -protoset-out FILE' or 'protoc --include_imports -o FILE' wrote",
          cause: error.oneLine)
      }
      return try FieldNumbers(protoset: bytes, name: "\(protoset)")
    }
  }

  /// Whether nobody but this machine can reach the server.
  var isLoopbackOnly: Bool { listen.isLoopback && grpcListen.isLoopback }
}

/// How far builds reach beyond this machine: `--network`.
package enum NetworkReach: String, Sendable, Hashable, CaseIterable {
  /// Base images, git and ADD; RUN steps too where they ask for it.
  case open
  /// Base images, git and ADD.
  case pulls
  /// Nothing but this machine itself.
  case none
}

extension Door.Address {
  /// An address of this machine that no other can reach.
  package var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

  /// How a URL on this machine names the address.
  var urlHost: String {
    switch host {
    case "0.0.0.0", "::", "127.0.0.1", "::1": "localhost:\(port)"
    default: description
    }
  }
}
