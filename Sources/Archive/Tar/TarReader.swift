import Diagnostics
import SystemPackage

/// Reads a tar archive from first to last: v7, ustar, star, GNU and PAX.
///
/// `next` steps to an entry, after which the reader itself reads that entry's body. Whatever is wrong throws
/// `archive-truncated`, `archive-corrupt`, `archive-path-escapes`, `archive-unsupported` or `archive-too-large`.
package final class TarReader: ByteReader {
  private let source: BufferedReader
  private let limits: TarLimits
  private let block = FixedBuffer(capacity: TarHeader.size)
  private var global = TarExtensions()
  /// Bytes taken from the source so far.
  private var position: Int64 = 0
  private var remaining: Int64 = 0
  private var padding: Int64 = 0
  private var entries = 0
  private var totalSize: Int64 = 0
  private var hasEnded = false

  /// Where the current entry's body begins, in bytes from the archive's beginning.
  package private(set) var bodyOffset: Int64 = 0

  /// `source` is the archive, unpacked already.
  package init(over source: any ByteReader, limits: TarLimits) {
    self.source = BufferedReader(over: source)
    self.limits = limits
  }

  /// Steps to the next entry, over what of the current body was not read; nil is the end.
  ///
  /// At the end the source is read to its own end, so that hashes and checksums below cover all of it.
  package func next() throws(Failure) -> TarEntry? {
    if hasEnded { return nil }
    try checkCancellation()
    try skip(remaining + padding)
    remaining = 0
    padding = 0
    var extensions = TarExtensions()
    var isExtended = false
    var extensionSize: Int64 = 0
    while let header = try readHeader() {
      switch header.kind {
      case UInt8(ascii: "x"), UInt8(ascii: "X"), UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K"):
        let kind = header.kind
        let body = try readExtension(header, total: &extensionSize)
        try apply(body, kind: kind, to: &extensions)
        isExtended = isExtended || kind != UInt8(ascii: "g")
      case UInt8(ascii: "V"):
        // A volume label names the archive, not a file.
        let size = try bodySize(header, extensions)
        try skip(size + Self.padding(after: size))
      default: return try entry(header, extensions.over(global))
      }
    }
    guard !isExtended else { throw .archiveTruncated("tar archive ends inside an entry's headers") }
    hasEnded = true
    try source.drain()
    return nil
  }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let wanted = Int(min(Int64(buffer.count), remaining))
    if wanted == 0 { return 0 }
    let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
    guard count > 0 else { throw .archiveTruncated("tar archive ends inside a file") }
    remaining -= Int64(count)
    position += Int64(count)
    return count
  }

  /// The next header; nil at the end of the archive, with or without its mark.
  private func readHeader() throws(Failure) -> TarHeader? {
    guard let header = try readBlock() else { return nil }
    if !header.isZero {
      guard header.isValid else { throw .archiveCorrupt("tar archive has a header with a wrong checksum") }
      return header
    }
    if let second = try readBlock(), !second.isZero {
      throw .archiveCorrupt("tar archive goes on behind an empty block")
    }
    return nil
  }

  private func readBlock() throws(Failure) -> TarHeader? {
    let count = try source.fill(block.bytes)
    position += Int64(count)
    if count == 0 { return nil }
    guard count == TarHeader.size else { throw .archiveTruncated("tar archive ends inside a header") }
    return TarHeader(block: UnsafeRawBufferPointer(block.bytes))
  }

  private func readExtension(_ header: TarHeader, total: inout Int64) throws(Failure) -> [UInt8] {
    let size = try header.number(TarHeader.Field.size, of: "extended header")
    guard size >= 0 else { throw .archiveCorrupt("tar archive has an extended header of negative size") }
    guard size <= limits.headerSize.bytes - total else {
      throw .archiveTooLarge("tar archive has an entry with more than \(limits.headerSize) of headers")
    }
    total += size
    let buffer = FixedBuffer(capacity: Int(size))
    guard try source.fill(buffer.bytes) == Int(size) else {
      throw .archiveTruncated("tar archive ends inside an extended header")
    }
    position += size
    try skip(Self.padding(after: size))
    return Array(buffer.bytes)
  }

  private func apply(_ body: [UInt8], kind: UInt8, to extensions: inout TarExtensions) throws(Failure) {
    switch kind {
    case UInt8(ascii: "L"): extensions.path = Array(body.prefix { $0 != 0 })
    case UInt8(ascii: "K"): extensions.linkPath = Array(body.prefix { $0 != 0 })
    case UInt8(ascii: "g"): try global.add(records: body, isGlobal: true)
    default: try extensions.add(records: body, isGlobal: false)
    }
  }

  private func bodySize(_ header: TarHeader, _ extensions: TarExtensions) throws(Failure) -> Int64 {
    func name() -> String { ArchivePath.quoted(extensions.path ?? header.path) }
    let own = try header.number(TarHeader.Field.size, of: name())
    let size = extensions.size ?? own
    guard size >= 0, size < 1 << 60 else { throw .archiveCorrupt("tar entry '\(name())' has an impossible size") }
    return size
  }

  private func entry(_ header: TarHeader, _ extensions: TarExtensions) throws(Failure) -> TarEntry {
    let name = extensions.path ?? header.path
    let path = try clean(name)
    let kind = try kind(header, extensions, name: name)
    guard !path.isEmpty || kind == .directory else { throw .archiveCorrupt("tar archive has a file without a name") }
    let size = kind == .file ? try bodySize(header, extensions) : 0
    let total = totalSize.addingReportingOverflow(size)
    entries += 1
    guard entries <= limits.entries else {
      throw .archiveTooLarge("tar archive has more than \(limits.entries) entries")
    }
    guard !total.overflow, total.partialValue <= limits.totalSize.bytes else {
      throw .archiveTooLarge("tar archive holds more than \(limits.totalSize)")
    }
    totalSize = total.partialValue
    remaining = size
    padding = Self.padding(after: size)
    bodyOffset = position
    let mode = try header.number(TarHeader.Field.mode, of: ArchivePath.quoted(name))
    let seconds = try header.number(TarHeader.Field.mtime, of: ArchivePath.quoted(name))
    return TarEntry(
      path: path,
      kind: kind,
      mode: UInt16(truncatingIfNeeded: mode & 0o7777),
      uid: try owner(extensions.uid, header, TarHeader.Field.uid, name),
      gid: try owner(extensions.gid, header, TarHeader.Field.gid, name),
      userName: extensions.userName ?? String(decoding: header.text(TarHeader.Field.userName), as: UTF8.self),
      groupName: extensions.groupName ?? String(decoding: header.text(TarHeader.Field.groupName), as: UTF8.self),
      size: size,
      mtime: extensions.mtime ?? FileTime(seconds: seconds),
      xattrs: extensions.xattrs
    )
  }

  private func kind(
    _ header: TarHeader,
    _ extensions: TarExtensions,
    name: [UInt8]
  ) throws(Failure) -> TarEntry.Kind {
    switch header.kind {
    case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
      guard name.last == UInt8(ascii: "/") else { return .file }
      // v7 had no kind for directories.
      guard try bodySize(header, extensions) == 0 else {
        throw .archiveCorrupt("tar entry '\(ArchivePath.quoted(name))' is named as a directory and has a body")
      }
      return .directory
    case UInt8(ascii: "1"): return .hardLink(target: try clean(linkName(header, extensions, name)))
    case UInt8(ascii: "2"): return .symlink(target: FilePath(bytes: try linkName(header, extensions, name)))
    case UInt8(ascii: "3"):
      let device = try device(header, name)
      return .characterDevice(major: device.major, minor: device.minor)
    case UInt8(ascii: "4"):
      let device = try device(header, name)
      return .blockDevice(major: device.major, minor: device.minor)
    case UInt8(ascii: "5"): return .directory
    case UInt8(ascii: "6"): return .fifo
    case UInt8(ascii: "S"): throw .tarSparse
    default:
      let letter = ArchivePath.quoted([header.kind])
      throw .archiveUnsupported(
        "tar entry '\(ArchivePath.quoted(name))' is of the unknown kind '\(letter)'",
        hint: "make the archive with --format=pax"
      )
    }
  }

  private func clean(_ name: [UInt8]) throws(Failure) -> FilePath {
    try ArchivePath.relative(name, absolute: limits.absolutePaths, limit: limits.pathLength)
  }

  private func linkName(
    _ header: TarHeader,
    _ extensions: TarExtensions,
    _ name: [UInt8]
  ) throws(Failure) -> [UInt8] {
    let target = extensions.linkPath ?? header.text(TarHeader.Field.linkName)
    guard !target.isEmpty, !target.contains(0) else {
      throw .archiveCorrupt("tar entry '\(ArchivePath.quoted(name))' is a link without a target")
    }
    guard target.count <= limits.pathLength else {
      throw .archiveTooLarge("tar entry '\(ArchivePath.quoted(name))' has a target of \(target.count) bytes")
    }
    return target
  }

  private func owner(
    _ extended: UInt32?,
    _ header: TarHeader,
    _ field: Range<Int>,
    _ name: [UInt8]
  ) throws(Failure) -> UInt32 {
    if let extended { return extended }
    return try identity(header, field, name)
  }

  private func identity(_ header: TarHeader, _ field: Range<Int>, _ name: [UInt8]) throws(Failure) -> UInt32 {
    let number = try header.number(field, of: ArchivePath.quoted(name))
    guard let identity = UInt32(exactly: number) else {
      throw .archiveCorrupt("tar entry '\(ArchivePath.quoted(name))' has the impossible owner \(number)")
    }
    return identity
  }

  private func device(_ header: TarHeader, _ name: [UInt8]) throws(Failure) -> (major: UInt32, minor: UInt32) {
    (
      try identity(header, TarHeader.Field.deviceMajor, name), try identity(header, TarHeader.Field.deviceMinor, name)
    )
  }

  private func skip(_ count: Int64) throws(Failure) {
    guard try source.skip(count) == count else { throw .archiveTruncated("tar archive ends inside a file") }
    position += count
  }

  private static func padding(after size: Int64) -> Int64 { -size & Int64(TarHeader.size - 1) }
}
