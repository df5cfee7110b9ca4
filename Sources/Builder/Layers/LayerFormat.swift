import Archive
import OCI
import SystemPackage

/// How the layers a build makes are written: their compression, and what is changed of their entries.
package struct LayerFormat: Sendable, Hashable {
  package enum Packing: String, Sendable, Hashable, CaseIterable { case gzip, zstd }

  package var packing = Packing.gzip
  /// The packing's own scale; nil is its usual one.
  package var level: Int?
  /// Whether layers are compressed at all; not when they are only steps on the way to another layer.
  var isPacked = true
  /// Unix seconds; entries that are later are written as of then, and so are the image's own dates
  /// (SOURCE_DATE_EPOCH).
  package var latestTime: Int64?
  /// Paths, relative to the root, that are left out of every layer with all below them.
  package var without: [FilePath] = []

  package init() {}

  /// Tells layers apart that steps with equal inputs make in different formats; empty for the usual one.
  var variant: String {
    guard self != LayerFormat() else { return "" }
    let parts = [packing.rawValue, level.map(String.init) ?? "", latestTime.map(String.init) ?? ""]
    let plain = isPacked ? [] : ["plain"]
    return (plain + parts + without.map(\.string).sorted()).map { "\($0.utf8.count):\($0)" }.joined()
  }

  /// Whether a layer holds exactly what the steps made.
  var keepsEntries: Bool { latestTime == nil && without.isEmpty }

  var mediaType: MediaType {
    guard isPacked else { return .ociLayer }
    return packing == .gzip ? .ociLayerGzip : .ociLayerZstd
  }

  /// The entry as it is to be written; nil when it is left out.
  func written(_ entry: LayerEntry) -> LayerEntry? {
    if without.contains(where: { entry.tar.path.starts(with: $0) }) { return nil }
    guard let latestTime else { return entry }
    var entry = entry
    entry.tar.mtime = min(entry.tar.mtime, FileTime(seconds: latestTime))
    return entry
  }
}
