import Diagnostics
import Glibc
import OCI
import SystemPackage

/// Makes one uncompressed tar with an index out of whatever archive a user uploads.
package enum ArchiveNormalizer {
  /// Reads an archive once: tar, packed with gzip, zstd, xz or bzip2 or not at all, or zip, told by content.
  ///
  /// An uncompressed tar is indexed where it is and `target` is not made; everything else is unpacked into `target`,
  /// which is removed again when that fails. Throws `archive-empty`, `archive-unknown` and what `TarReader` throws.
  package static func tar(
    from source: FilePath,
    into target: FilePath,
    limits: TarLimits = .context
  ) throws(Failure) -> ArchiveIndex {
    let input = BufferedReader(over: try FileReader(path: source))
    let prefix = Array(try input.peek(Compression.prefixLength))
    guard !prefix.isEmpty else { throw empty }
    do throws(Failure) {
      if prefix.starts(with: [0x50, 0x4B, 3, 4]) || prefix.starts(with: [0x50, 0x4B, 5, 6]) {
        return try unpackZip(source, into: target, limits: limits)
      }
      let compression = Compression.detect(prefix)
      if compression == .none { return try indexTar(input, file: source, limits: limits) }
      let unpacked = try Decompression.reader(over: input, compression: compression, limit: limits.streamSize)
      let tee = TeeReader(over: unpacked, into: try FileWriter(creating: target, permissions: 0o600))
      let index = try indexTar(BufferedReader(over: tee), file: target, limits: limits)
      try tee.finish()
      return index
    } catch {
      if source != target { _ = target.withPlatformString { unlink($0) } }
      throw error
    }
  }

  /// Reads an uncompressed tar once and leaves it as it is; nil for everything else, which has to be unpacked.
  package static func index(ofTar source: FilePath, limits: TarLimits = .context) throws(Failure) -> ArchiveIndex? {
    let input = BufferedReader(over: try FileReader(path: source))
    let header = TarHeader(block: try input.peek(TarHeader.size))
    // The block is the reader's own memory.
    let isTar = withExtendedLifetime(input) { header.block.count == TarHeader.size && !header.isZero && header.isValid }
    return isTar ? try indexTar(input, file: source, limits: limits) : nil
  }

  /// Whether an uncompressed stream begins like a tar with something in it; reads its first block.
  package static func isTar(_ source: any ByteReader) throws(Failure) -> Bool {
    let reader = BufferedReader(over: source)
    let first = try reader.peek(TarHeader.size)
    // The block is the reader's own memory.
    return withExtendedLifetime(reader) {
      guard first.count == TarHeader.size else { return false }
      let header = TarHeader(block: first)
      return !header.isZero && header.isValid
    }
  }

  private static let empty = Failure(
    .invalidArgument,
    reason: "archive-empty",
    "context is an empty file",
    hint: "make the archive again: tar -C DIR -czf context.tar.gz ."
  )

  private static let unknown = Failure(
    .invalidArgument,
    reason: "archive-unknown",
    "context is neither tar, tar.gz nor zip",
    hint: "make an archive of the directory: tar -C DIR -czf context.tar.gz ."
  )

  private static func indexTar(
    _ source: BufferedReader,
    file: FilePath,
    limits: TarLimits
  ) throws(Failure) -> ArchiveIndex {
    let first = try source.peek(TarHeader.size)
    if first.isEmpty { throw empty }
    let header = TarHeader(block: first)
    guard first.count == TarHeader.size, header.isZero || header.isValid else { throw unknown }
    let reader = TarReader(over: source, limits: limits)
    var builder = ArchiveIndexBuilder()
    let buffer = FixedBuffer(capacity: 256 << 10)
    while let entry = try reader.next() {
      let offset = reader.bodyOffset
      try builder.add(entry, bodyOffset: offset, digest: try digest(of: entry, body: reader, buffer))
    }
    return builder.index(file: file)
  }

  private static func digest(
    of entry: TarEntry, body: any ByteReader, _ buffer: FixedBuffer
  ) throws(Failure) -> Digest? {
    guard entry.kind == .file else { return nil }
    let running = RunningDigest(.sha256)
    while case let count = try body.read(into: buffer.bytes), count > 0 {
      try checkCancellation()
      running.update(buffer.view(0..<count))
    }
    return running.digest()
  }

  private static func unpackZip(
    _ source: FilePath,
    into target: FilePath,
    limits: TarLimits
  ) throws(Failure) -> ArchiveIndex {
    let zip = try ZipReader(source, limits: limits)
    let tar = TarWriter(into: try FileWriter(creating: target, permissions: 0o600))
    var builder = ArchiveIndexBuilder()
    for entry in zip.entries {
      guard entry.file.kind == .file else {
        try tar.append(entry.file)
        try builder.add(entry.file, bodyOffset: 0, digest: nil)
        continue
      }
      let body = HashingReader(over: try zip.open(entry))
      try tar.append(entry.file, body: body)
      // The end is where size and checksum are compared.
      try body.drain()
      try builder.add(entry.file, bodyOffset: tar.bodyOffset, digest: body.digest)
    }
    try tar.finish()
    return builder.index(file: target)
  }
}
