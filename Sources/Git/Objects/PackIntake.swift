import Diagnostics
import SystemPackage

/// Takes a pack as it comes and leaves an object file: every object is inflated once, hashed, and written; bases of
/// deltas are read back from the file (gitformat-pack).
///
/// Nothing of the pack is kept, so memory does not grow with objects' sizes, nor with what a header announces; it
/// grows by about 92 bytes for each object that arrived. A delta whose base is not here yet waits in a file.
package final class PackIntake: PackSink {
  enum State {
    case packHeader, entryHeader, baseOffset, baseName, content, trailer, over
  }

  /// What the header of an entry said, so far.
  struct Entry {
    var offset: Int64 = 0
    var type: UInt8 = 0
    var size: UInt64 = 0
    var shift: UInt64 = 0
    var baseDistance: UInt64 = 0
    var inflated: Int64 = 0
    var compressed: Int64 = 0
  }

  /// What becomes of the bytes an entry inflates to.
  enum Destination {
    case object
    case delta(DeltaApplication)
    case waiting
  }

  package let writer: ObjectFileWriter
  let limits: GitLimits
  let inflater: any ObjectInflater
  let base: DeltaBase
  private let trailer: LibraryHash
  let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
  var entries = PackEntries()
  var waiting: WaitingDeltas
  var state = State.packHeader
  var entry = Entry()
  var destination = Destination.object
  /// Bytes of a header, a name or the trailer that came so far.
  var collected: [UInt8] = []
  /// Bytes of the pack taken so far.
  var position: Int64 = 0
  /// Bytes of the packs before this one.
  private var before: Int64 = 0
  package private(set) var announcedObjects = 0
  /// Objects of packs that ended and single ones.
  private var taken = 0

  /// Fills `writer`, which the caller finishes after `endPack`.
  package init(writer: ObjectFileWriter, limits: GitLimits = GitLimits()) throws(Failure) {
    self.writer = writer
    self.limits = limits
    inflater = try makeObjectInflater()
    base = DeltaBase(writer: writer)
    trailer = try LibraryHash(ofPacks: writer.format)
    waiting = WaitingDeltas(beside: writer.path)
  }

  deinit { output.deallocate() }

  package var objectCount: Int { taken + entries.count }

  package func beginObject(_ kind: ObjectKind, size: Int64) throws(Failure) {
    try writer.beginObject(kind, size: size)
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) { try writer.write(bytes) }

  @discardableResult
  package func endObject() throws(Failure) -> ObjectID {
    taken += 1
    return try writer.endObject()
  }

  package func writePack(_ bytes: UnsafeRawBufferPointer, bases: any ObjectSource) throws(Failure) {
    try checkGitCancellation()
    var next = 0
    var hashed = 0
    while next < bytes.count {
      switch state {
      case .packHeader:
        if collect(12, bytes, &next) { try beginPack() }
      case .entryHeader:
        try readEntryHeader(bytes[next], bases)
        advance(1, &next)
      case .baseOffset:
        try readBaseOffset(bytes[next], bases)
        advance(1, &next)
      case .baseName:
        if collect(writer.format.byteCount, bytes, &next) { try beginNamedDelta(bases) }
      case .content:
        try inflate(bytes, &next)
      case .trailer:
        if hashed < next { trailer.update(UnsafeRawBufferPointer(rebasing: bytes[hashed..<next])) }
        if collect(writer.format.byteCount, bytes, &next) { try checkTrailer() }
        hashed = next
      case .over:
        throw .packCorrupt("bytes follow the pack's end", at: position)
      }
    }
    if hashed < next { trailer.update(UnsafeRawBufferPointer(rebasing: bytes[hashed..<next])) }
  }

  package func endPack() throws(Failure) {
    guard case .over = state else {
      throw .packCorrupt(
        "the pack ends too early, after \(position) bytes and \(entries.count) of \(announcedObjects) objects")
    }
    try resolveWaiting()
    taken += entries.count
    entries = PackEntries()
    waiting = WaitingDeltas(beside: writer.path)
    state = .packHeader
    trailer.begin()
    before += position
    position = 0
  }

  /// Begins a delta on the base that is loaded next, with the work allowed that the bytes so far pay for.
  func allowDelta() { base.allow(received: before + position, ratio: limits.deltaRatio) }

  func advance(_ count: Int, _ next: inout Int) {
    next += count
    position += Int64(count)
  }

  /// Moves bytes to `collected` until there are `count`; true when there are.
  private func collect(_ count: Int, _ bytes: UnsafeRawBufferPointer, _ next: inout Int) -> Bool {
    let part = min(count - collected.count, bytes.count - next)
    collected.append(contentsOf: bytes[next..<next + part])
    advance(part, &next)
    return collected.count == count
  }

  private func beginPack() throws(Failure) {
    let words = stride(from: 0, to: 12, by: 4).map { start in
      collected[start..<start + 4].reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
    }
    guard words[0] == 0x5041_434B else {
      throw .packCorrupt("the remote's answer is no pack: it does not begin with 'PACK'")
    }
    guard words[1] == 2 || words[1] == 3 else { throw .packCorrupt("the pack has version \(words[1]), not 2 or 3") }
    guard Int(words[2]) <= limits.objects else {
      throw .gitLimit(
        "git-too-many-objects", "the pack announces \(words[2]) objects, more than the \(limits.objects) allowed",
        name: "objects")
    }
    announcedObjects = Int(words[2])
    collected.removeAll(keepingCapacity: true)
    beginEntry()
  }

  /// Waits for the next entry, or for the trailer after the last.
  func beginEntry() {
    entry = Entry(offset: position)
    state = entries.count == announcedObjects ? .trailer : .entryHeader
  }

  private func checkTrailer() throws(Failure) {
    var expected = [UInt8](repeating: 0, count: writer.format.byteCount)
    expected.withUnsafeMutableBytes { trailer.finish(into: $0) }
    guard expected == collected else { throw .packCorrupt("the pack's checksum is wrong: it was damaged on its way") }
    collected.removeAll(keepingCapacity: true)
    state = .over
  }
}
