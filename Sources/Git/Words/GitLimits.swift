import Diagnostics

/// Bounds on what a remote may make us do; each breach is an error that names its limit.
package struct GitLimits: Sendable, Hashable {
  package var objects = 5_000_000
  package var files = 1_000_000
  package var treeDepth = 512
  package var objectSize = ByteCount.mebibytes(2 << 10)
  /// All objects of one fetch together, uncompressed, those that come again included; and all files of one tree together.
  package var unpackedSize = ByteCount.mebibytes(16 << 10)
  /// Uncompressed against compressed bytes of one object, looked at beyond 64 MiB.
  package var inflateRatio = 1000
  /// What the deltas of one fetch make, and the bases they are applied to, against the bytes of the packs that came,
  /// looked at beyond 256 MiB: a full history of thousands of versions of a large file stays below half of it.
  package var deltaRatio = 10_000
  /// Deltas of one pack that come before their bases, which git itself never sends.
  package var waitingDeltas = 200_000
  package var references = 1_000_000
  /// Of the references that are kept of a list, as they lie in memory; those beyond are found by their whole names only.
  package var heldReferences = ByteCount.mebibytes(16)
  /// Of the reference list and of every other answer that is no pack.
  package var listSize = ByteCount.mebibytes(64)
  /// Of what a remote says to people in one fetch.
  package var progressSize = ByteCount.mebibytes(16)
  package var submoduleDepth = 8
  /// Of one order, on all levels together.
  package var submodules = 1000
  /// Generations of commits looked through for one that the remote does not serve by its id.
  package var deepening = 4096
  package var redirects = 5
  package var connectTimeout = Duration.seconds(10)
  package var idleTimeout = Duration.seconds(30)
  /// From a request to the first byte of its pack; a remote may count and compress, but not for ever.
  package var packStartTimeout = Duration.seconds(600)
  /// A pack slower than this many bytes a second, over `paceWindow`, is given up.
  package var slowestPace = ByteCount.kibibytes(1)
  package var paceWindow = Duration.seconds(60)
  package init() {}
}
