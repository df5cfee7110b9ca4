import Diagnostics

/// Pours what one request asks for from a local repository into a sink: commits to the depth, their trees, their files.
final class LocalWalk {
  private let request: FetchRequest
  private let objects: LocalObjects
  private let ownShallow: Set<ObjectID>
  private let bases: any ObjectSource
  private let sink: any PackSink
  private let limits: GitLimits
  private var seen: Set<ObjectID> = []
  private var shallow: [ObjectID] = []
  private var poured = ByteCount(0)

  init(
    _ request: FetchRequest, _ objects: LocalObjects, shallow: Set<ObjectID>, bases: any ObjectSource,
    sink: any PackSink, limits: GitLimits
  ) {
    self.request = request
    self.objects = objects
    ownShallow = shallow
    self.bases = bases
    self.sink = sink
    self.limits = limits
  }

  /// The commits whose parents were left out.
  func run(_ progress: @Sendable (GitProgress) throws(Failure) -> Void) throws(Failure) -> [ObjectID] {
    var commits = request.wants.map { ($0, 1) }
    var next = 0
    while next < commits.count {
      let (id, generation) = commits[next]
      next += 1
      for parent in try visit(id, generation, progress) { commits.append((parent, generation + 1)) }
      try progress(state)
    }
    return shallow
  }

  private var state: GitProgress {
    GitProgress(objects: sink.objectCount, totalObjects: sink.objectCount, bytes: poured)
  }

  /// What an annotated tag leads to; nil for what is no tag.
  static func peel(_ id: ObjectID, _ objects: LocalObjects) throws(Failure) -> ObjectID? {
    var id = id
    for depth in 0..<16 {
      let content = CollectedContent(limit: .mebibytes(16), kinds: [.tag])
      try objects.read(id, to: content)
      guard content.kind == .tag else { return depth == 0 ? nil : id }
      id = try Tag(content.bytes, id: id).object
    }
    throw .objectCorrupt(id, "tags lead to tags without end")
  }

  /// Pours one wanted object or commit with what belongs to it; answers what is to be visited next.
  private func visit(
    _ id: ObjectID, _ generation: Int, _ progress: (GitProgress) throws(Failure) -> Void
  ) throws(Failure) -> [ObjectID] {
    try checkGitCancellation()
    guard seen.insert(id).inserted, try !isAtHand(id) else { return [] }
    let content = try pour(id)
    switch content.kind {
    case .blob: return []
    case .tree:
      if request.filter != .noTrees { try pourTree(content.bytes, id, progress) }
      return []
    case .tag: return [try Tag(content.bytes, id: id).object]
    case .commit:
      let commit = try Commit(content.bytes, id: id)
      if request.filter != .noTrees, seen.insert(commit.tree).inserted, try !isAtHand(commit.tree) {
        try pourTree(try pour(commit.tree, expecting: .tree).bytes, commit.tree, progress)
      }
      guard !commit.parents.isEmpty else { return [] }
      guard generation < request.depth ?? .max, !ownShallow.contains(id) else {
        shallow.append(id)
        return []
      }
      return commit.parents
    }
  }

  private func pourTree(
    _ content: [UInt8], _ id: ObjectID, _ progress: (GitProgress) throws(Failure) -> Void
  ) throws(Failure) {
    // One reader for each level: the names of a level's subtrees would else be held all at once.
    var levels = [TreeReader(content, id: id)]
    while !levels.isEmpty {
      guard let entry = try levels[levels.count - 1].next() else {
        levels.removeLast()
        continue
      }
      guard entry.mode != .submodule, entry.mode == .directory || request.filter == nil else { continue }
      guard seen.insert(entry.id).inserted, try !isAtHand(entry.id) else { continue }
      guard seen.count <= limits.objects else {
        throw .gitLimit("git-too-many-objects", "there are more than \(limits.objects) objects", name: "objects")
      }
      if sink.objectCount % 512 == 0 { try progress(state) }
      guard entry.mode == .directory else {
        try pour(entry.id, expecting: .blob)
        continue
      }
      guard levels.count < limits.treeDepth else {
        throw .gitLimit(
          "git-tree-too-deep", "folders are nested more than \(limits.treeDepth) deep", name: "tree-depth")
      }
      levels.append(TreeReader(try pour(entry.id, expecting: .tree).bytes, id: entry.id))
    }
  }

  private func isAtHand(_ id: ObjectID) throws(Failure) -> Bool {
    if request.haves.isEmpty { return false }
    return try bases.find(id) != nil
  }

  @discardableResult
  private func pour(_ id: ObjectID, expecting kind: ObjectKind? = nil) throws(Failure) -> PouredContent {
    try checkGitCancellation()
    let content = PouredContent(sink, limit: limits.listSize)
    try objects.read(id, to: content)
    let name = try sink.endObject()
    guard name == id else { throw .objectCorrupt(id, "its content is that of '\(name)'") }
    guard kind == nil || kind == content.kind else {
      throw .objectCorrupt(id, "it is a \(content.kind.name) where a \(kind?.name ?? "") should be")
    }
    poured.bytes += content.size
    return content
  }
}

/// Passes an object on to the sink, and keeps it when it leads to others.
private final class PouredContent: ContentTarget {
  private let sink: any PackSink
  private let limit: ByteCount
  private(set) var kind = ObjectKind.blob
  private(set) var size: Int64 = 0
  private(set) var bytes: [UInt8] = []

  init(_ sink: any PackSink, limit: ByteCount) {
    self.sink = sink
    self.limit = limit
  }

  func begin(_ kind: ObjectKind, size: Int64) throws(Failure) {
    (self.kind, self.size) = (kind, size)
    guard kind == .blob || size <= limit.bytes else { throw .objectTooLarge(size, limit: limit) }
    try sink.beginObject(kind, size: size)
  }

  func take(_ more: UnsafeRawBufferPointer) throws(Failure) {
    try sink.write(more)
    if kind != .blob { bytes.append(contentsOf: more) }
  }
}

/// Keeps an object of one of `kinds`, and of others the kind alone.
private final class CollectedContent: ContentTarget {
  private let limit: ByteCount
  private let kinds: Set<ObjectKind>
  private(set) var kind = ObjectKind.blob
  private(set) var bytes: [UInt8] = []

  init(limit: ByteCount, kinds: Set<ObjectKind>) {
    self.limit = limit
    self.kinds = kinds
  }

  func begin(_ kind: ObjectKind, size: Int64) throws(Failure) {
    self.kind = kind
    guard !kinds.contains(kind) || size <= limit.bytes else { throw .objectTooLarge(size, limit: limit) }
  }

  func take(_ more: UnsafeRawBufferPointer) throws(Failure) {
    if kinds.contains(kind) { bytes.append(contentsOf: more) }
  }
}
