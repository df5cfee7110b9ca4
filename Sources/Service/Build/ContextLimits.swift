import Diagnostics

/// What uploaded contexts may take, and for how long.
package struct ContextLimits: Sendable, Hashable {
  /// From an upload's end to its expiry.
  package var lifetime = Duration.seconds(86_400)
  /// Of one organisation, equal content counted once.
  package var organization = ByteCount.mebibytes(20 << 10)
  /// Of all organisations together.
  package var total = ByteCount.mebibytes(60 << 10)
  /// Uploads of one organisation at a time; each holds a file and a connection.
  package var open = 32
  /// Of all organisations together.
  package var openTotal = 128

  package init() {}
}
