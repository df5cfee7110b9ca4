import Diagnostics

/// Brings one commit of one remote into the store, by the cheapest way the remote allows.
///
/// The caller holds the remote's turn.
struct CommitFetch {
  let store: GitStore
  let key: StoreKey
  let remote: any GitRemote
  let limits: GitLimits
  let count: TransferCount
  /// For messages: without user and password.
  let display: String

  /// A commit at hand.
  struct Result: Sendable {
    var commit: ObjectID
    var content: Commit
    var holding: GitHolding
  }

  /// What is at hand of the commit and covers `directory`; nil when a fetch is needed.
  func atHand(_ id: ObjectID, directory: String) throws(Failure) -> Result? {
    guard let holding = try store.find(key, commit: id, directory: directory) else { return nil }
    let (commit, content) = try peel(id, ObjectContents(holding.source))
    return Result(commit: commit, content: content, holding: holding)
  }

  /// Fetches the commit, or the tag that names it, with what is below `directory`.
  func fetch(_ id: ObjectID, directory: String, withModules: Bool) async throws(Failure) -> Result {
    let abilities = try await remote.abilities()
    guard abilities.format == id.format else {
      throw Failure(
        .notFound, reason: "git-reference-unknown",
        "'\(id)' has \(id.format.digitCount) digits, but the commits of '\(display)' have \(abilities.format.digitCount)",
        hint: "give a commit id of this repository")
    }
    let base = try store.newest(key, format: id.format)
    if !directory.isEmpty, abilities.filters, abilities.anyWant, base == nil {
      do throws(Failure) {
        return try await fetchDirectory(id, directory, withModules: withModules)
      } catch {
        // The whole commit is fetched instead, without a word: only what crosses the wire differs.
        guard error.reason == "git-want-refused" else { throw error }
      }
    }
    if let base {
      defer { base.holding.lease.release() }
      do throws(Failure) {
        return try await fetchWhole(id, base: base)
      } catch {
        // A remote may take a commit at hand for more than it is; from nothing it cannot be mistaken.
        guard ["git-object-missing", "git-pack-corrupt", "git-base-missing"].contains(error.reason) else { throw error }
      }
    }
    return try await fetchWhole(id, base: nil)
  }

  private func fetchWhole(
    _ id: ObjectID, base: (commits: [ObjectID], holding: GitHolding)?
  ) async throws(Failure) -> Result {
    let piece = try store.begin(key, format: id.format, limits: limits)
    let bases = base?.holding.source ?? ObjectSources([])
    let commits = base?.commits ?? []
    let request = FetchRequest(wants: [id], haves: commits, shallow: commits)
    try await pour(request, bases, into: piece)
    return try add(id, "", piece, base: base?.holding)
  }

  /// Commit and trees first, then the files below the directory and no others.
  private func fetchDirectory(
    _ id: ObjectID, _ directory: String, withModules: Bool
  ) async throws(Failure) -> Result {
    let trees = try store.trees(key, of: id)
    defer { trees?.lease.release() }
    let piece = try store.begin(key, format: id.format, limits: limits)
    let bases = trees?.source ?? ObjectSources([])
    if trees == nil { try await pour(FetchRequest(wants: [id], filter: .noBlobs), bases, into: piece) }
    let missing = try missingFiles(
      id, directory, ObjectSources([try piece.objects(), bases]), withModules: withModules)
    // One request holds so many names; more are asked for in several.
    var rest = missing[...]
    while !rest.isEmpty {
      try await pour(FetchRequest(wants: Array(rest.prefix(20_000)), depth: nil), bases, into: piece)
      rest = rest.dropFirst(20_000)
    }
    return try add(id, directory, piece, base: trees)
  }

  private func missingFiles(
    _ id: ObjectID, _ directory: String, _ source: ObjectSources, withModules: Bool
  ) throws(Failure) -> [ObjectID] {
    let contents = ObjectContents(source)
    let (_, commit) = try peel(id, contents)
    let tree = try Subtree(contents: contents).tree(directory, in: commit.tree)
    var missing: [ObjectID] = []
    var seen: Set<ObjectID> = []
    func need(_ id: ObjectID, _ content: StoredObject?) {
      if content == nil, seen.insert(id).inserted { missing.append(id) }
    }
    var walk = TreeWalk(tree, contents: contents, limits: limits, needsContents: false)
    while let item = try walk.next() {
      if item.mode != .directory, item.mode != .submodule { need(item.id, item.content) }
    }
    if withModules, let modules = try Subtree(contents: contents).entry(SubmoduleList.file, in: commit.tree) {
      need(modules.id, try contents.findIfPresent(modules.id))
    }
    return missing
  }

  /// Keeps the piece once everything the record will promise is there and sound.
  private func add(
    _ id: ObjectID, _ directory: String, _ piece: PieceWriter, base: GitHolding?
  ) throws(Failure) -> Result {
    let source = ObjectSources([try piece.objects()] + (base?.source.sources ?? []))
    let contents = ObjectContents(source)
    let (commit, content) = try peel(id, contents)
    let tree = try Subtree(contents: contents).tree(directory, in: content.tree)
    _ = try TreeSurvey(tree, source: source, limits: limits)
    let commits = Set([id, commit]).map { PieceRecord.Commit(id: $0, directory: directory) }
    let record = PieceRecord(commits: commits, needs: base?.numbers ?? [])
    let holding = try store.add(key, piece, record)
    return Result(commit: commit, content: content, holding: holding)
  }

  /// Goes through annotated tags to the commit; throws `git-object-missing` when the remote delivered something else
  /// than it was asked for, `git-reference-not-commit` for tags of other things.
  private func peel(_ id: ObjectID, _ contents: ObjectContents) throws(Failure) -> (ObjectID, Commit) {
    var id = id
    // Tags of tags are rare, and no longer chain is honest.
    for _ in 0..<16 {
      guard let object = try contents.findIfPresent(id) else {
        throw Failure(
          .unavailable, reason: "git-object-missing",
          "'\(display)' did not deliver the commit '\(id)' it was asked for",
          hint: "the repository may be damaged; ask its owner to run 'git fsck'")
      }
      switch object.kind {
      case .commit:
        return (id, try Commit(try contents.bytes(id, .commit, limit: Self.headLimit), id: id))
      case .tag:
        id = try Tag(try contents.bytes(id, .tag, limit: Self.headLimit), id: id).object
      case .tree, .blob:
        throw Failure(
          .invalidArgument, reason: "git-reference-not-commit", "'\(id)' is a \(object.kind.name), not a commit",
          hint: "name a branch, a tag of a commit, or a commit")
      }
    }
    throw Failure(
      .invalidArgument, reason: "git-reference-not-commit", "the tag leads to no commit but to ever more tags",
      hint: "name a branch or a commit")
  }

  private static let headLimit = ByteCount.mebibytes(16)

  /// Answers the commits whose parents did not come.
  @discardableResult
  private func pour(
    _ request: FetchRequest, _ bases: ObjectSources, into piece: PieceWriter
  ) async throws(Failure) -> [ObjectID] {
    let before = piece.count
    let count = count
    let shallow = try await remote.fetch(request, bases: bases, into: piece.sink) { progress throws(Failure) in
      try count.progress(progress)
    }
    count.end(objects: piece.count - before)
    return shallow
  }

  // MARK: Remotes that refuse

  /// Finds a commit the remote does not serve by name, by fetching what it advertises deeper and deeper.
  ///
  /// `digits` are the first of its id, or all. Nil when it does not appear within the limits.
  func searchHistory(_ digits: String, tips: [ObjectID]) async throws(Failure) -> ObjectID? {
    let abilities = try await remote.abilities()
    guard !tips.isEmpty, abilities.filters else { return nil }
    var depth = 64
    while true {
      // Commits alone are a few hundred bytes each, so each round begins anew and nothing of it is kept.
      let piece = try store.begin(key, format: abilities.format, limits: limits)
      try await pour(FetchRequest(wants: tips, depth: depth, filter: .noTrees), ObjectSources([]), into: piece)
      let known = try history(from: tips, ObjectContents(try piece.objects()))
      if let found = try ReferenceResolver.only(digits, among: known) { return found }
      if depth >= limits.deepening { return nil }
      depth = min(depth * 8, limits.deepening)
    }
  }

  /// Fetches the tips deeper and deeper until the commit is among what came; whole, because this remote serves nothing
  /// by name. Throws `git-want-refused` when it does not appear within the limits.
  func deepen(to id: ObjectID, tips: [ObjectID]) async throws(Failure) -> Result {
    var depth = 32
    while !tips.isEmpty {
      // Each round begins anew: rounds grow so fast that all before the last are a small part of it.
      let piece = try store.begin(key, format: id.format, limits: limits)
      let shallow = try await pour(FetchRequest(wants: tips, depth: depth), ObjectSources([]), into: piece)
      if try piece.objects().find(id) != nil { return try add(id, "", piece, base: nil) }
      guard !shallow.isEmpty, depth < limits.deepening else { break }
      depth = min(depth * 8, limits.deepening)
    }
    throw Failure(
      .notFound, reason: "git-want-refused",
      "'\(display)' does not serve the commit '\(id)' by its id, nor is it among the last \(depth) of a branch or tag",
      hint:
        "name a branch or tag that holds it, or let the server allow it: git config uploadpack.allowAnySHA1InWant true")
  }

  private func history(from tips: [ObjectID], _ contents: ObjectContents) throws(Failure) -> Set<ObjectID> {
    var known: Set<ObjectID> = []
    var next = tips
    while let id = next.popLast() {
      guard let object = try contents.findIfPresent(id), known.insert(id).inserted else { continue }
      if known.count & 1023 == 0 { try checkGitCancellation() }
      switch object.kind {
      case .commit: next += try Commit(try contents.bytes(id, .commit, limit: Self.headLimit), id: id).parents
      case .tag: next.append(try Tag(try contents.bytes(id, .tag, limit: Self.headLimit), id: id).object)
      case .tree, .blob: continue
      }
    }
    return known
  }
}
