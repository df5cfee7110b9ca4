import SystemPackage
import Diagnostics

/// The one rule for names inside archives: what they become, and which ones are refused.
enum ArchivePath {
  /// What to do with a name that begins with `/`.
  typealias Absolute = TarLimits.AbsolutePaths

  /// The path relative to the archive's root, without `.` and `..`; empty for the root itself.
  ///
  /// A `..` that stays inside is resolved by its letters alone, as Docker does; one that climbs out is refused.
  static func relative(_ name: [UInt8], absolute: Absolute, limit: Int) throws(Failure) -> FilePath {
    guard name.count <= limit else {
      throw .archiveTooLarge("entry '\(quoted(name))' has a name of \(name.count) bytes, more than \(limit)")
    }
    guard !name.contains(0) else { throw .archiveCorrupt("entry '\(quoted(name))' has a NUL in its name") }
    if name.first == UInt8(ascii: "/"), absolute == .refused {
      throw .archivePathEscapes("entry '\(quoted(name))' has an absolute path")
    }
    let names = name.split(separator: UInt8(ascii: "/"))
    let hasDots = names.contains { $0.first == 0x2E && ($0.count == 1 || $0.count == 2 && $0.last == 0x2E) }
    // Double and trailing slashes are FilePath's own business.
    if !hasDots { return FilePath(bytes: Array(name.drop { $0 == UInt8(ascii: "/") })) }
    var parts: [ArraySlice<UInt8>] = []
    for part in names where !part.elementsEqual([0x2E]) {
      if part.elementsEqual([0x2E, 0x2E]) {
        guard parts.popLast() != nil else { throw .archivePathEscapes("entry '\(quoted(name))' leaves the archive") }
        continue
      }
      parts.append(part)
    }
    return FilePath(bytes: Array(parts.joined(separator: [0x2F])))
  }

  /// A name as it may be shown: without control characters, and not too long.
  static func quoted(_ name: [UInt8]) -> String {
    let text = String(decoding: name.prefix(256), as: UTF8.self).unicodeScalars.map { scalar in
      scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return text.joined() + (name.count > 256 ? "…" : "")
  }
}
