import Diagnostics

/// Puts the trees of an order together: the commit's own, and those of its submodules where they are asked for.
struct SubmoduleFetch {
  let fetcher: GitFetcher
  let session: GitFetcher.Session
  /// Of the submodules' commits.
  private(set) var leases: [GitLease] = []
  private var fetched = 0

  init(fetcher: GitFetcher, session: GitFetcher.Session) {
    self.fetcher = fetcher
    self.session = session
  }

  private var order: GitTreeOrder { session.order }

  /// A repository whose submodules are still to be fetched.
  private struct Parent {
    var address: GitAddress
    var mount: MountedTree
    /// The commit's root, where `.gitmodules` is, and where in it the mount's tree is.
    var commitTree: ObjectID
    var directory: String
    var submodules: [TreeItem]
    var depth: Int
  }

  mutating func trees(
    below first: MountedTree, commitTree: ObjectID, directory: String
  ) async throws(Failure) -> MountedTrees {
    let limits = fetcher.limits
    var result = MountedTrees(trees: [first])
    let survey = try TreeSurvey(first.tree, source: first.source, limits: limits)
    try result.survey.add(survey, at: [], limits: limits)
    var skipped = survey.submodules.map(\.path)
    if order.includesSubmodules {
      skipped = []
      var queue = [
        Parent(
          address: order.address, mount: first, commitTree: commitTree, directory: directory,
          submodules: survey.submodules, depth: 0)
      ]
      while let parent = queue.popLast() {
        for child in try await children(of: parent) {
          result.trees.append(child.mount)
          var child = child
          let survey = try TreeSurvey(child.mount.tree, source: child.mount.source, limits: limits)
          try result.survey.add(survey, at: child.mount.prefix, limits: limits)
          child.submodules = survey.submodules
          queue.append(child)
        }
      }
    }
    if let first = skipped.first {
      result.notes.append(
        skipped.count == 1
          ? "'\(quoted(first))' is a submodule and left empty"
          : "\(skipped.count) submodules, '\(quoted(first))' the first, are left empty")
    }
    if let note = result.survey.pointerNote { result.notes.append(note) }
    return result
  }

  private mutating func children(of parent: Parent) async throws(Failure) -> [Parent] {
    guard !parent.submodules.isEmpty else { return [] }
    guard parent.depth < fetcher.limits.submoduleDepth else {
      throw .gitLimit(
        "git-submodules-too-deep", "submodules are more than \(fetcher.limits.submoduleDepth) deep in each other",
        name: "submodule-depth")
    }
    let list = try list(of: parent)
    var children: [Parent] = []
    for item in parent.submodules {
      fetched += 1
      guard fetched <= fetcher.limits.submodules else {
        throw .gitLimit(
          "git-too-many-submodules", "the commit has more than \(fetcher.limits.submodules) submodules",
          name: "submodules")
      }
      children.append(try await child(item, of: parent, list))
    }
    return children
  }

  private mutating func child(
    _ item: TreeItem, of parent: Parent, _ list: SubmoduleList
  ) async throws(Failure) -> Parent {
    let path = String(decoding: mounted(item.path, at: Array(parent.directory.utf8)), as: UTF8.self)
    guard let entry = list.entry(at: path), !entry.url.isEmpty else {
      throw Failure(
        .invalidArgument, reason: "git-submodules-invalid",
        "the commit has the submodule '\(quoted(Array(path.utf8)))', but .gitmodules does not say where it is",
        hint: "fetch without submodules, or ask the repository's owner to correct .gitmodules")
    }
    let address = try SubmoduleAddress.resolve(entry.url, parent: parent.address, path: path, allowed: order.transports)
    let credentials = SubmoduleAddress.credentials(order.credentials, of: order.address, for: address)
    let (result, _) = try await fetcher.commit(
      address, credentials, item.id.hex, "", in: session, withModules: true)
    leases.append(result.holding.lease)
    let mount = MountedTree(
      prefix: mounted(item.path, at: parent.mount.prefix), tree: result.content.tree, source: result.holding.source,
      time: result.content.committerTime.milliseconds / 1000)
    return Parent(
      address: address, mount: mount, commitTree: result.content.tree, directory: "", submodules: [],
      depth: parent.depth + 1)
  }

  private func list(of parent: Parent) throws(Failure) -> SubmoduleList {
    let contents = ObjectContents(parent.mount.source)
    guard let file = try Subtree(contents: contents).entry(SubmoduleList.file, in: parent.commitTree),
      file.mode == .file || file.mode == .executable
    else { return try SubmoduleList(parsing: "") }
    let bytes = try contents.bytes(file.id, .blob, limit: SubmoduleList.limit)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(
        .invalidArgument, reason: "git-submodules-invalid", ".gitmodules is not UTF-8 text",
        hint: "fetch without submodules, or ask the repository's owner to correct the file")
    }
    return try SubmoduleList(parsing: text)
  }
}
