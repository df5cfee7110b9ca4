import Diagnostics
import OCI
import SystemPackage

/// An archive's index as a file beside it, so that a later build of the same archive need not read it again.
///
/// The archive is named by the digest of its bytes, which the file repeats together with the archive's size; the file
/// ends with the SHA-256 of all that stands before. What is torn, of another version or of another archive reads as
/// nothing, and is made anew.
package enum ArchiveIndexFile {
  private static let magic = Array("kindling context index 1\n".utf8)

  /// The file's bytes for the index of an uncompressed tar with this digest; nil for an index over several files.
  package static func encoded(_ index: ArchiveIndex, of archive: Digest, size: ByteCount) -> [UInt8]? {
    guard index.files.count == 1, archive.algorithm == .sha256 else { return nil }
    var output = ByteOutput()
    output.bytes.reserveCapacity(256 + index.entries.count * 128)
    output.bytes += magic
    output.bytes += archive.rawBytes
    output.append(size.bytes)
    output.append(index.totalBytes.bytes)
    output.append(UInt32(index.entries.count))
    for entry in index.entries { append(entry, to: &output) }
    output.bytes += Digest(sha256Of: output.bytes).rawBytes
    return output.bytes
  }

  /// The index, whose bodies are read from `file`; nil for anything that is not the whole index of that archive.
  package static func decoded(
    _ bytes: [UInt8], of archive: Digest, size: ByteCount, file: FilePath
  ) -> ArchiveIndex? {
    guard bytes.count > magic.count + 32, bytes.starts(with: magic) else { return nil }
    let end = bytes.count - 32
    let isWhole = bytes.withUnsafeBytes { all in
      let hash = RunningDigest(.sha256)
      hash.update(UnsafeRawBufferPointer(rebasing: all[..<end]))
      return hash.digest() == Digest(.sha256, bytes: all[end...])
    }
    guard isWhole else { return nil }
    return bytes.withUnsafeBytes { all in
      var input = ByteInput(UnsafeRawBufferPointer(rebasing: all[magic.count..<end]))
      return index(&input, of: archive, size: size, file: file)
    }
  }

  private static func index(
    _ input: inout ByteInput, of archive: Digest, size: ByteCount, file: FilePath
  ) -> ArchiveIndex? {
    guard let digest = input.bytes(32), Digest(.sha256, bytes: digest) == archive, input.number() == size.bytes,
      let totalBytes: Int64 = input.number(), let count: UInt32 = input.number()
    else { return nil }
    var entries: [IndexedEntry] = []
    entries.reserveCapacity(min(Int(count), input.count / 40))
    for _ in 0..<count {
      guard let entry = entry(&input) else { return nil }
      entries.append(entry)
    }
    guard input.count == 0 else { return nil }
    return ArchiveIndex(files: [file], entries: entries, totalBytes: ByteCount(totalBytes))
  }

  private static func append(_ indexed: IndexedEntry, to output: inout ByteOutput) {
    let entry = indexed.entry
    output.append(entry.kind.letter)
    output.append(UInt8(indexed.isImplied ? 1 : 0))
    output.append(entry.mode)
    output.append(entry.uid)
    output.append(entry.gid)
    output.append(entry.size)
    output.append(entry.mtime.seconds)
    output.append(entry.mtime.nanoseconds)
    output.append(indexed.bodyOffset)
    output.append(framed: entry.path.bytes)
    switch entry.kind {
    case .symlink(let target), .hardLink(let target): output.append(framed: target.bytes)
    case .characterDevice(let major, let minor), .blockDevice(let major, let minor):
      output.append(major)
      output.append(minor)
    case .file, .directory, .fifo: break
    }
    output.append(framed: indexed.contentDigest?.rawBytes ?? [])
    output.append(UInt32(entry.xattrs.count))
    for (name, value) in entry.xattrs.sorted(by: { $0.key < $1.key }) {
      output.append(framed: Array(name.utf8))
      output.append(framed: value)
    }
  }

  // Names of owners are not kept: they mean nothing in a context, whose files are root's.
  private static func entry(_ input: inout ByteInput) -> IndexedEntry? {
    guard let letter: UInt8 = input.number(), let flags: UInt8 = input.number(), let mode: UInt16 = input.number(),
      let uid: UInt32 = input.number(), let gid: UInt32 = input.number(), let size: Int64 = input.number(),
      let seconds: Int64 = input.number(), let nanoseconds: Int32 = input.number(),
      let bodyOffset: Int64 = input.number(), let path = input.path(), let kind = kind(letter, &input),
      let digest = input.framed(), digest.isEmpty || digest.count == 32, let count: UInt32 = input.number()
    else { return nil }
    var entry = TarEntry(
      path: path, kind: kind, mode: mode, uid: uid, gid: gid, size: size,
      mtime: FileTime(seconds: seconds, nanoseconds: nanoseconds))
    for _ in 0..<count {
      guard let name = input.framed(), let value = input.framed() else { return nil }
      entry.xattrs[String(decoding: name, as: UTF8.self)] = Array(value)
    }
    return IndexedEntry(
      entry: entry, bodyOffset: bodyOffset, contentDigest: digest.isEmpty ? nil : Digest(.sha256, bytes: digest),
      isImplied: flags & 1 != 0)
  }

  private static func kind(_ letter: UInt8, _ input: inout ByteInput) -> TarEntry.Kind? {
    switch letter {
    case 0: return .file
    case 1: return .directory
    case 2: return input.path().map { .symlink(target: $0) }
    case 3: return input.path().map { .hardLink(target: $0) }
    case 4, 5:
      guard let major: UInt32 = input.number(), let minor: UInt32 = input.number() else { return nil }
      return letter == 4 ? .characterDevice(major: major, minor: minor) : .blockDevice(major: major, minor: minor)
    case 6: return .fifo
    default: return nil
    }
  }
}

extension TarEntry.Kind {
  fileprivate var letter: UInt8 {
    switch self {
    case .file: 0
    case .directory: 1
    case .symlink: 2
    case .hardLink: 3
    case .characterDevice: 4
    case .blockDevice: 5
    case .fifo: 6
    }
  }
}

/// Numbers as little-endian bytes, and pieces with their length before them.
private struct ByteOutput {
  var bytes: [UInt8] = []

  mutating func append(_ number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(framed piece: [UInt8]) {
    append(UInt32(piece.count))
    bytes += piece
  }
}

/// The same read back; nil where bytes are missing.
private struct ByteInput {
  private var rest: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

  var count: Int { rest.count }

  mutating func bytes(_ count: Int) -> UnsafeRawBufferPointer? {
    guard count >= 0, count <= rest.count else { return nil }
    defer { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
    return UnsafeRawBufferPointer(rebasing: rest[..<count])
  }

  mutating func number<Number: FixedWidthInteger>() -> Number? {
    bytes(MemoryLayout<Number>.size).map { Number(littleEndian: $0.loadUnaligned(as: Number.self)) }
  }

  mutating func framed() -> UnsafeRawBufferPointer? {
    guard let count: UInt32 = number() else { return nil }
    return bytes(Int(count))
  }

  mutating func path() -> FilePath? { framed().map { FilePath(bytes: Array($0)) } }
}
