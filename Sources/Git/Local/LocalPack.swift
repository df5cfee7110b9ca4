import Diagnostics
import SystemPackage

/// A pack of a repository on this machine: reads any object of it, with its chain of deltas.
final class LocalPack {
  private struct Entry {
    var offset: Int64
    var type: UInt8
    var size: Int64
    var contentOffset: Int64
    var baseOffset: Int64?
    var baseName: ObjectID?
  }

  /// git makes chains of 4,095 at most.
  private static let chainLength = 4096
  private static let cachedSize: Int64 = 1 << 20
  private static let cacheSize: Int64 = 16 << 20

  private let file: OpenFile
  private let index: PackIndexReader
  private let format: ObjectID.Format
  private let limits: GitLimits
  private let inflation: LocalInflation
  private var cache: [Int64: LocalContent] = [:]
  private var cachedBytes: Int64 = 0

  /// `path` without its ending; the inflation is shared by who reads one object after the other.
  init(index path: FilePath, _ format: ObjectID.Format, limits: GitLimits, inflation: LocalInflation) throws(Failure) {
    index = try PackIndexReader(path, format)
    let name = FilePath(String(path.string.dropLast(4)) + ".pack")
    guard let file = try LocalFile.open(name) else {
      throw .packCorrupt("the pack '\(name)' is missing, and its index is there")
    }
    self.file = file
    self.format = format
    self.limits = limits
    self.inflation = inflation
  }

  /// False when the object is not in this pack.
  func read(_ id: ObjectID, to target: any ContentTarget) throws(Failure) -> Bool {
    guard let offset = try index.offset(of: id) else { return false }
    var chain: [Entry] = []
    var at = offset
    var content: LocalContent?
    while true {
      if !chain.isEmpty, let cached = cache[at] {
        content = cached
        break
      }
      let entry = try entry(at: at)
      chain.append(entry)
      guard chain.count <= Self.chainLength else { throw .packCorrupt("a chain of deltas has no end", at: offset) }
      if let base = entry.baseOffset {
        at = base
      } else if let name = entry.baseName {
        guard let base = try index.offset(of: name) else {
          throw .packCorrupt("the base '\(name)' of a delta is not in the pack", at: at)
        }
        at = base
      } else {
        break
      }
    }
    try apply(chain, base: content, to: target)
    return true
  }

  /// From the innermost object outwards; only the last result goes to the target.
  private func apply(
    _ chain: [Entry], base: LocalContent?, to target: any ContentTarget
  ) throws(Failure) {
    var content = base
    for (level, entry) in chain.enumerated().reversed() {
      try checkGitCancellation()
      let isLast = level == 0
      let result = isLast ? nil : LocalContent()
      let to: any ContentTarget = result ?? target
      if let content {
        let delta = LocalDelta(content, to, limit: limits.objectSize)
        try inflation.run(file, at: entry.contentOffset, size: entry.size, name: file.path) {
          (bytes) throws(Failure) in try delta.feed(bytes)
        }
        try delta.finish()
      } else {
        guard let kind = ObjectKind(rawValue: entry.type) else {
          throw .packCorrupt("an object of the pack '\(file.path)' has type \(entry.type)")
        }
        try to.begin(kind, size: entry.size)
        try inflation.run(file, at: entry.contentOffset, size: entry.size, name: file.path) {
          (bytes) throws(Failure) in try to.take(bytes)
        }
      }
      if let result { keep(result, at: entry.offset) }
      content = result
    }
  }

  /// Bases are read again and again, since deltas come in families.
  private func keep(_ content: LocalContent, at offset: Int64) {
    guard content.size <= Self.cachedSize else { return }
    if cachedBytes + content.size > Self.cacheSize {
      cache.removeAll()
      cachedBytes = 0
    }
    cache[offset] = content
    cachedBytes += content.size
  }

  private func entry(at offset: Int64) throws(Failure) -> Entry {
    var head = [UInt8](repeating: 0, count: 64)
    var count = 0
    let failure: Failure? = head.withUnsafeMutableBytes { buffer in
      do throws(Failure) {
        count = try file.read(at: offset, into: buffer)
        return nil
      } catch { return error }
    }
    if let failure { throw failure }
    var bytes = head[..<count]
    guard let entry = parse(&bytes, at: offset) else {
      throw .packCorrupt("an object of the pack '\(file.path)' has no valid header", at: offset)
    }
    guard entry.size <= limits.objectSize.bytes else { throw .objectTooLarge(entry.size, limit: limits.objectSize) }
    return entry
  }

  private func parse(_ bytes: inout ArraySlice<UInt8>, at offset: Int64) -> Entry? {
    guard var byte = bytes.popFirst() else { return nil }
    let type = byte >> 4 & 7
    var size = UInt64(byte & 15)
    var shift: UInt64 = 4
    while byte & 0x80 != 0 {
      guard shift < 60, let next = bytes.popFirst() else { return nil }
      byte = next
      size |= UInt64(byte & 0x7F) << shift
      shift += 7
    }
    guard let size = Int64(exactly: size) else { return nil }
    var entry = Entry(offset: offset, type: type, size: size, contentOffset: 0)
    if type == 6 {
      guard let distance = distance(&bytes), distance > 0, distance <= offset else { return nil }
      entry.baseOffset = offset - distance
    } else if type == 7 {
      guard bytes.count >= format.byteCount else { return nil }
      entry.baseName = Array(bytes.prefix(format.byteCount)).withUnsafeBytes { ObjectID(format, bytes: $0) }
      bytes.removeFirst(format.byteCount)
    } else if ObjectKind(rawValue: type) == nil {
      return nil
    }
    entry.contentOffset = offset + Int64(bytes.startIndex)
    return entry
  }

  private func distance(_ bytes: inout ArraySlice<UInt8>) -> Int64? {
    guard var byte = bytes.popFirst() else { return nil }
    var distance = Int64(byte & 0x7F)
    while byte & 0x80 != 0 {
      guard distance < 1 << 48, let next = bytes.popFirst() else { return nil }
      byte = next
      distance = (distance + 1) << 7 | Int64(byte & 0x7F)
    }
    return distance
  }
}

/// A delta under way, for closures that cannot change a value.
private final class LocalDelta {
  private var application: DeltaApplication
  private let target: LocalDeltaTarget

  init(_ base: LocalContent, _ target: any ContentTarget, limit: ByteCount) {
    application = DeltaApplication(limit: limit)
    self.target = LocalDeltaTarget(base: base, target: target)
  }

  func feed(_ bytes: UnsafeRawBufferPointer) throws(Failure) { try application.feed(bytes, to: target) }
  func finish() throws(Failure) { try application.finish() }
}
