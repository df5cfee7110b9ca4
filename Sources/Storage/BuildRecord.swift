import Diagnostics
import OCI

/// Where a build stands. PENDING → RUNNING → SUCCEEDED or FAILED; CANCELLED from PENDING or RUNNING; nothing else.
/// The ledger makes no other move.
package enum BuildStatus: String, Sendable, Hashable, Codable, CaseIterable {
  case pending, running, succeeded, failed, cancelled
  /// Whether nothing will change any more.
  package var isTerminal: Bool { self == .succeeded || self == .failed || self == .cancelled }
}

/// Where a build's files come from.
package enum BuildSource: Sendable, Hashable, Codable {
  /// An archive in the context store. `context` is nil when it came inline with the request.
  case archive(Digest, context: ContextID?)
  /// A commit of a repository, fetched when the build runs.
  case git(GitBuildSource)
}

/// What of which repository a build is made from, as the caller asked.
package struct GitBuildSource: Sendable, Hashable, Codable {
  /// Never holds a user or a password: those are refused before a record is made.
  package var url: String
  /// Branch, tag, full reference or commit; empty means the default branch rule.
  package var reference: String
  /// The subtree that is the context; empty means all of it.
  package var directory: String
  /// The commit the reference meant, in hexadecimal digits; nil until the fetch knows it.
  package var commit: String?
  /// The secret slot whose value is shown to the remote, by name; nil is what the organisation saved for its builds.
  package var secret: String?

  package init(url: String, reference: String, directory: String, commit: String? = nil, secret: String? = nil) {
    self.url = url
    self.reference = reference
    self.directory = directory
    self.commit = commit
    self.secret = secret
  }
}

/// A build as the ledger knows it: what was asked, how far it is, what came of it.
package struct BuildRecord: Sendable, Hashable, Codable {
  package var id: BuildID
  package var organization: OrganizationName
  /// Build and image name: one repository path component.
  package var name: String
  package var dockerfile: String
  /// Whether a context without that Dockerfile is built with the starter of its stack.
  package var mayUseStarter = false
  package var tags: [Tag]
  package var buildArgs: [String: String]
  package var platform: Platform
  package var noCache: Bool
  /// 0 when the caller left it to the default.
  package var timeoutSeconds: UInt64
  package var source: BuildSource
  /// What the caller sent as push target; the platform decides, so it is only kept to be mentioned in the log.
  package var registry: String
  package var repository: String

  package var status: BuildStatus
  /// Why it is FAILED.
  package var failure: Failure?
  /// `registry/org/name:tag`, one for each tag; empty until SUCCEEDED.
  package var imageReferences: [String]
  package var manifest: Digest?
  package var metrics: BuildMetrics?
  package var createdAt: Timestamp
  package var startedAt: Timestamp?
  package var completedAt: Timestamp?

  package init(
    id: BuildID, organization: OrganizationName, name: String, dockerfile: String, tags: [Tag],
    buildArgs: [String: String], platform: Platform, noCache: Bool, timeoutSeconds: UInt64, source: BuildSource,
    registry: String, repository: String, createdAt: Timestamp
  ) {
    self.id = id
    self.organization = organization
    self.name = name
    self.dockerfile = dockerfile
    self.tags = tags
    self.buildArgs = buildArgs
    self.platform = platform
    self.noCache = noCache
    self.timeoutSeconds = timeoutSeconds
    self.source = source
    self.registry = registry
    self.repository = repository
    self.status = .pending
    self.imageReferences = []
    self.createdAt = createdAt
  }
}

/// What a finished build cost.
package struct BuildMetrics: Sendable, Hashable, Codable {
  package var durationMilliseconds: Int64
  /// Compressed layers and config together.
  package var imageSize: ByteCount
  package var layerCount: Int
  package var cacheUsed: Bool
  package init(durationMilliseconds: Int64, imageSize: ByteCount, layerCount: Int, cacheUsed: Bool) {
    self.durationMilliseconds = durationMilliseconds
    self.imageSize = imageSize
    self.layerCount = layerCount
    self.cacheUsed = cacheUsed
  }
}

/// A build's success, for the transaction that moves its tags.
package struct BuildCompletion: Sendable {
  package var id: BuildID
  package var references: [String]
  package var imageSize: ByteCount
  package var layerCount: Int
  package var cacheUsed: Bool
  /// Read inside the transaction, so that of two builds the one that ended last has the tag.
  package var clock: WallClock
  package init(
    id: BuildID, references: [String], imageSize: ByteCount, layerCount: Int, cacheUsed: Bool, clock: WallClock
  ) {
    self.id = id
    self.references = references
    self.imageSize = imageSize
    self.layerCount = layerCount
    self.cacheUsed = cacheUsed
    self.clock = clock
  }
}
