import Diagnostics

/// What a collection is asked to take away. What nothing names goes always; the rest goes when asked for.
package struct CollectionOrder: Sendable, Hashable {
  /// How long a blob stays after it came or was asked for, so that its manifest can follow.
  package static let usualGrace = Duration.seconds(3600)

  /// Tells what would go, and takes nothing.
  package var isDry = false
  package var grace = CollectionOrder.usualGrace
  /// Manifests without a tag go when they are older; nil keeps them all.
  package var untagged: Duration?
  /// Images of other registries, the longest unused first, go until the rest takes no more; nil keeps them all.
  package var pulled: ByteCount?
  /// Layers that only the step cache keeps, likewise.
  package var steps: ByteCount?

  package init() {}
}

/// What a collection took away, or would.
package struct CollectionReport: Sendable, Hashable, Codable {
  package var dryRun = false
  /// Without a tag.
  package var untagged = 0
  /// Of other registries.
  package var pulled = 0
  /// Layers that the step cache has forgotten.
  package var steps = 0
  /// Uploads that nobody went on with.
  package var uploads = 0
  package var blobs = 0
  package var bytes = ByteCount(0)
  /// What nothing names and somebody may still be pushing the manifest of.
  package var waiting = 0

  package init() {}
}

/// What a scrub found.
package struct ScrubReport: Sendable, Hashable, Codable {
  package struct Broken: Sendable, Hashable, Codable {
    package var digest: String
    package var cause: String
  }

  package var blobs = 0
  package var bytes = ByteCount(0)
  /// Set aside now.
  package var broken: [Broken] = []
  /// Set aside earlier and not pushed again since.
  package var missing: [String] = []
  /// Set aside earlier and pushed again since.
  package var healed: [String] = []

  package init() {}
}
