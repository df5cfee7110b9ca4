import Diagnostics

/// What an archive may ask of us at most; beyond it reading throws `archive-too-large`.
package struct TarLimits: Sendable, Hashable {
  /// What to do with names that begin with `/`.
  package enum AbsolutePaths: Sendable, Hashable {
    /// Take them from the archive's root, as Docker does with layers.
    case stripped
    /// Throw `archive-path-escapes`.
    case refused
  }

  /// Number of entries.
  package var entries: Int
  /// Bodies together.
  package var totalSize: ByteCount
  /// Bytes in one path or link target.
  package var pathLength: Int
  /// Bytes of extended headers for one entry: long names, PAX records, extended attributes.
  package var headerSize: ByteCount
  package var absolutePaths: AbsolutePaths

  package init(
    entries: Int = 1_000_000,
    totalSize: ByteCount = .mebibytes(16 << 10),
    pathLength: Int = 4096,
    headerSize: ByteCount = .mebibytes(1),
    absolutePaths: AbsolutePaths = .refused
  ) {
    self.entries = entries
    self.totalSize = totalSize
    self.pathLength = pathLength
    self.headerSize = headerSize
    self.absolutePaths = absolutePaths
  }

  /// Bytes of a whole tar stream with these entries: their bodies, and 2 kB of headers for each.
  var streamSize: ByteCount {
    let headers = Int64(entries).multipliedReportingOverflow(by: 2048)
    let sum = totalSize.bytes.addingReportingOverflow(headers.partialValue)
    return ByteCount(headers.overflow || sum.overflow ? .max : sum.partialValue)
  }

  /// For what a user uploads: a million entries, 16 GiB, relative paths.
  package static let context = TarLimits()
  /// For image layers: five million entries, 128 GiB, absolute paths taken as relative.
  package static let layer = TarLimits(
    entries: 5_000_000,
    totalSize: .mebibytes(128 << 10),
    absolutePaths: .stripped
  )
}
