import Diagnostics
import SystemPackage

/// The objects of a repository on this machine: loose ones and packs, its own and those of its alternates.
///
/// One reader uses it, for one fetch.
final class LocalObjects {
  private let layout: LocalLayout
  private let limits: GitLimits
  private let inflation: LocalInflation
  private var packs: [LocalPack] = []

  init(_ layout: LocalLayout, limits: GitLimits) throws(Failure) {
    self.layout = layout
    self.limits = limits
    inflation = try LocalInflation()
    for folder in layout.objectFolders {
      let packFolder = folder.appending("pack")
      for name in try LocalFile.names(in: packFolder) where name.hasPrefix("pack-") && name.hasSuffix(".idx") {
        // A pack whose index is still being written, or a promise of one, has no file beside it.
        packs.append(
          try LocalPack(index: packFolder.appending(name), layout.format, limits: limits, inflation: inflation))
      }
    }
  }

  /// Hands the object to `target`; throws `git-object-missing`.
  func read(_ id: ObjectID, to target: any ContentTarget) throws(Failure) {
    for (number, pack) in packs.enumerated() where try pack.read(id, to: target) {
      // Objects that follow each other in a walk lie in one pack.
      if number > 0 { packs.swapAt(0, number) }
      return
    }
    for folder in layout.objectFolders where try readLoose(id, in: folder, to: target) { return }
    throw Failure(
      .notFound, reason: "git-object-missing", "the repository '\(layout.path)' has no object '\(id)'",
      hint: "it may be incomplete; look at it with git fsck")
  }

  private func readLoose(_ id: ObjectID, in folder: FilePath, to target: any ContentTarget) throws(Failure) -> Bool {
    let hex = id.hex
    let fan = folder.appending(String(hex.prefix(2)))
    guard let kind = LocalFile.kind(fan) else { return false }
    guard kind == .folder else { throw LocalLayout.unsafe(layout.path, "'\(fan)' is no folder") }
    let path = fan.appending(String(hex.dropFirst(2)))
    guard let file = try LocalFile.open(path) else { return false }
    let header = LooseHeader(id, path, target, limit: limits.objectSize)
    try inflation.run(file, at: 0, size: nil, name: path) { (bytes) throws(Failure) in try header.feed(bytes) }
    try header.finish()
    return true
  }
}

/// Parts the `kind size\0` of a loose object from its content.
private final class LooseHeader {
  private let id: ObjectID
  private let path: FilePath
  private let target: any ContentTarget
  private let limit: ByteCount
  private var header: [UInt8] = []
  private var missing: Int64?

  init(_ id: ObjectID, _ path: FilePath, _ target: any ContentTarget, limit: ByteCount) {
    self.id = id
    self.path = path
    self.target = target
    self.limit = limit
  }

  func feed(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    var rest = bytes
    if missing == nil {
      guard let end = rest.firstIndex(of: 0) else {
        header.append(contentsOf: rest)
        guard header.count < 32 else { throw LocalInflation.corrupt(path, "it has no header") }
        return
      }
      header.append(contentsOf: rest[..<end])
      rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
      try begin()
    }
    guard let now = missing, Int64(rest.count) <= now else {
      throw LocalInflation.corrupt(path, "it is larger than its header says")
    }
    missing = now - Int64(rest.count)
    if !rest.isEmpty { try target.take(rest) }
  }

  func finish() throws(Failure) {
    guard missing == 0 else { throw LocalInflation.corrupt(path, "it is smaller than its header says") }
  }

  private func begin() throws(Failure) {
    let words = header.split(separator: 0x20, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    guard words.count == 2, let kind = ObjectKind(name: words[0]), words[1].allSatisfy(\.isNumber),
      let size = Int64(words[1])
    else { throw LocalInflation.corrupt(path, "it has no valid header") }
    guard size <= limit.bytes else { throw .objectTooLarge(size, limit: limit) }
    try target.begin(kind, size: size)
    missing = size
  }
}
