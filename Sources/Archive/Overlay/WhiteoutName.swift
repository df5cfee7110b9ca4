import Diagnostics
import Glibc
import SystemPackage

/// What a name says in a layer's tar (OCI image-spec, layer.md#whiteouts).
enum WhiteoutName {
  /// An ordinary name.
  case none
  /// `.wh.NAME`: the name is removed from the layers below.
  case removes([UInt8])
  /// `.wh..wh..opq`: everything in its directory is removed from the layers below.
  case opaque
  /// `.wh..wh.` and anything else: AUFS's own bookkeeping.
  case bookkeeping

  static let prefix = Array(".wh.".utf8)
  static let opaqueName = Array(".wh..wh..opq".utf8)
  private static let bookkeepingPrefix = Array(".wh..wh.".utf8)

  init(_ name: some Collection<UInt8>) throws(Failure) {
    guard name.first == Self.prefix[0], name.starts(with: Self.prefix) else {
      self = .none
      return
    }
    if name.elementsEqual(Self.opaqueName) {
      self = .opaque
    } else if name.starts(with: Self.bookkeepingPrefix) {
      self = .bookkeeping
    } else {
      let rest = Array(name.dropFirst(Self.prefix.count))
      guard !rest.isEmpty, rest != [0x2E], rest != [0x2E, 0x2E] else {
        throw .archiveCorrupt("layer has the whiteout '\(ArchivePath.quoted(Array(name)))', which names no file")
      }
      self = .removes(rest)
    }
  }

  /// A quick look that spares nearly all paths the closer ones.
  static func mayOccur(in path: FilePath) -> Bool { path.withPlatformString { strstr($0, ".wh.") != nil } }

  /// Whether a path goes through AUFS's bookkeeping.
  static func isBookkeeping(_ path: [UInt8]) -> Bool {
    path.split(separator: UInt8(ascii: "/")).contains { $0.starts(with: bookkeepingPrefix) }
  }
}
