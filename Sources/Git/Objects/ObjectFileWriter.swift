import Diagnostics
import Glibc
import OCI
import SystemPackage

/// Writes an object file: contents of objects one after the other, and beside it (`.index`) where each lies.
///
/// Nothing is synced; a file without an index is not finished and worth nothing. One owner writes it. Memory is the
/// buffer (512 KiB) and about 80 bytes an object, whatever the size of the objects.
package final class ObjectFileWriter: ObjectSink {
  private static let checkEvery = 4 << 20

  /// Of the data; the index gets `.index` added.
  package let path: FilePath
  package let format: ObjectID.Format
  private let limits: GitLimits
  /// Nil where nobody watches the disk.
  private let space: PieceSpace?
  private let file: OpenFile
  private let hasher: ObjectHasher
  /// Of blobs' contents; nil when nobody asked for it.
  private let contentHash: LibraryHash?
  private let table: ObjectTable
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 512 << 10, alignment: 64)
  private let digest = UnsafeMutableRawBufferPointer.allocate(byteCount: 32, alignment: 8)
  /// Where in the file the buffer begins.
  private var bufferOffset: Int64 = 0
  private var held = 0
  /// Announced by all objects so far, those that were there already included: they cost the same work.
  private var announced: Int64 = 0
  /// Written since cancellation was looked at.
  private var unchecked = 0
  private var current: (kind: ObjectKind, offset: Int64, size: Int64, missing: Int64)?
  /// The record of the object ended last.
  private(set) var lastIndex = 0

  /// Makes the file, which must not be there; `digests` asks for the SHA-256 of every blob's content.
  package convenience init(
    path: FilePath, format: ObjectID.Format, digests: Bool = true, limits: GitLimits = GitLimits()
  )
    throws(Failure)
  {
    try self.init(path: path, format: format, digests: digests, limits: limits, space: nil)
  }

  init(
    path: FilePath, format: ObjectID.Format, digests: Bool = true, limits: GitLimits, space: PieceSpace?
  ) throws(Failure) {
    self.space = space
    self.path = path
    self.format = format
    self.limits = limits
    file = try OpenFile(path, flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
    hasher = try ObjectHasher(format)
    contentHash = digests ? try LibraryHash(.sha256) : nil
    table = ObjectTable(format)
  }

  deinit {
    buffer.deallocate()
    digest.deallocate()
  }

  /// Different objects so far.
  package var count: Int { table.count }
  /// Bytes of all contents so far.
  package var size: ByteCount { ByteCount(position) }
  private var position: Int64 { bufferOffset + Int64(held) }

  package func beginObject(_ kind: ObjectKind, size: Int64) throws(Failure) {
    guard current == nil else { throw Self.misuse }
    guard size >= 0, size <= limits.objectSize.bytes else {
      throw .objectTooLarge(size, limit: limits.objectSize)
    }
    guard table.count < limits.objects else {
      throw .gitLimit("git-too-many-objects", "there are more than \(limits.objects) objects", name: "objects")
    }
    guard announced + size <= limits.unpackedSize.bytes else {
      throw .gitLimit(
        "git-repository-too-large", "the objects together are larger than \(limits.unpackedSize)",
        name: "unpacked-size")
    }
    announced += size
    try space?.reach(position + size, written: position)
    hasher.begin(kind, size: size)
    if kind == .blob { contentHash?.begin() }
    current = (kind, position, size, size)
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    guard var object = current, Int64(bytes.count) <= object.missing else { throw Self.misuse }
    // Few bytes of a pack can make many of an object, so that the pack's reader alone would look too seldom.
    unchecked += bytes.count
    if unchecked >= Self.checkEvery {
      unchecked = 0
      try checkGitCancellation()
    }
    object.missing -= Int64(bytes.count)
    current = object
    hasher.update(bytes)
    if object.kind == .blob { contentHash?.update(bytes) }
    if bytes.count > buffer.count - held { try flush() }
    if bytes.count >= buffer.count {
      try file.write(bytes, at: bufferOffset)
      bufferOffset += Int64(bytes.count)
    } else {
      UnsafeMutableRawBufferPointer(rebasing: buffer[held...]).copyMemory(from: bytes)
      held += bytes.count
    }
  }

  @discardableResult
  package func endObject() throws(Failure) -> ObjectID {
    guard let object = current, object.missing == 0 else { throw Self.misuse }
    current = nil
    let id = try hasher.finish()
    if let index = table.index(of: id) {
      rewind(to: object.offset)
      lastIndex = index
      return id
    }
    var digestBytes: UnsafeRawBufferPointer?
    if object.kind == .blob, let contentHash {
      contentHash.finish(into: digest)
      digestBytes = UnsafeRawBufferPointer(digest)
    }
    lastIndex = try table.append(id, object.kind, offset: object.offset, size: object.size, digest: digestBytes)
    return id
  }

  /// Hands everything written so far to the kernel, so that other readers of the file see it.
  package func flush() throws(Failure) {
    guard held > 0 else { return }
    try file.write(UnsafeRawBufferPointer(rebasing: buffer[..<held]), at: bufferOffset)
    bufferOffset += Int64(held)
    held = 0
  }

  /// An object written before, in the file after a `flush`; nil when there is none.
  package func find(_ id: ObjectID) -> StoredObject? {
    table.index(of: id).map { table[$0].stored(in: path) }
  }

  /// Ends the file and writes its index; the writer is of no use afterwards. `ObjectFile` opens what came out.
  package func finish() throws(Failure) {
    guard current == nil else { throw Self.misuse }
    try flush()
    try file.truncate(to: position)
    try ObjectIndexFile.write(table, to: path)
  }

  /// Removes what was written.
  package func discard() {
    for name in [path, ObjectIndexFile.path(of: path)] { _ = name.withPlatformString { unlink($0) } }
  }

  func record(_ index: Int) -> ObjectRecord { table[index] }
  func index(of id: ObjectID) -> Int? { table.index(of: id) }

  /// Bytes of a finished object, from the buffer or the file.
  func read(at offset: Int64, into target: UnsafeMutableRawBufferPointer) throws(Failure) {
    let inFile = Int(min(Int64(target.count), max(0, bufferOffset - offset)))
    if inFile > 0 { try file.fill(UnsafeMutableRawBufferPointer(rebasing: target[..<inFile]), at: offset) }
    guard inFile < target.count else { return }
    let start = Int(offset + Int64(inFile) - bufferOffset)
    guard start >= 0, start + target.count - inFile <= held else { throw Self.misuse }
    UnsafeMutableRawBufferPointer(rebasing: target[inFile...])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<start + target.count - inFile]))
  }

  /// Forgets the bytes of an object that was there already.
  private func rewind(to offset: Int64) {
    if offset >= bufferOffset {
      held = Int(offset - bufferOffset)
    } else {
      (bufferOffset, held) = (offset, 0)
    }
  }

  private static var misuse: Failure {
    Failure(.internal, reason: "git-object-order", "an object was not written as it was announced")
  }
}
