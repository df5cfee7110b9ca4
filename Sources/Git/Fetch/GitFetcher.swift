import Archive
import Diagnostics

/// Fetches the files of one commit: resolves the reference, transfers what is not at hand, and shows it as a context
/// or checks it out. Nothing of the history, no git installed, memory bounded.
package struct GitFetcher: Sendable {
  /// Reaches a repository on the word of the order that the lead is of.
  typealias Connect = @Sendable (GitAddress, GitCredentials?, FetchLead) throws(Failure) -> any GitRemote

  let store: GitStore
  let limits: GitLimits
  let connect: Connect

  init(store: GitStore, limits: GitLimits, connect: @escaping Connect) {
    self.store = store
    self.limits = limits
    self.connect = connect
  }

  /// The commit's files as an index for a build. `progress` is called as objects come in; what it throws ends the fetch.
  ///
  /// Throws what is wrong with the order (`git-reference-unknown`, `git-directory-missing`, …), with the remote or with
  /// what it delivered; `cancelled` when the task is.
  package func tree(
    _ order: GitTreeOrder, progress: @escaping @Sendable (GitProgress) throws(Failure) -> Void
  ) async throws(Failure) -> FetchedTree {
    let fetched = try await fetch(order, progress)
    var index = try TreeIndexer.index(fetched.trees, limits: limits)
    var leases = fetched.leases
    if order.keepsGitDirectory {
      let scratch = try store.scratch(fetched.key)
      leases.append(GitLease([]) { try? StoreFolder.remove(scratch) })
      try fetched.gitDirectory(of: order).write(fetched.trees, into: scratch, worktree: nil, limits: limits)
      try index.append(gitDirectory: scratch, time: fetched.trees.trees.first?.time ?? 0)
    }
    return FetchedTree(
      commit: fetched.commit, reference: fetched.reference, index: index, notes: fetched.trees.notes,
      transferred: fetched.transferred, lease: GitLease(leases))
  }

  /// An order carried out: everything is in the store.
  struct Fetched {
    var commit: ObjectID
    var hasParents: Bool
    var reference: String
    var trees: MountedTrees
    var transferred: GitTransfer
    var leases: [GitLease]
    var key: StoreKey

    func gitDirectory(of order: GitTreeOrder) -> GitDirectory {
      GitDirectory(commit: commit, isShallow: hasParents, address: order.address, reference: reference)
    }
  }

  /// An order being carried out.
  struct Session: Sendable {
    var order: GitTreeOrder
    var lead: FetchLead
    var count: TransferCount
  }

  func fetch(
    _ order: GitTreeOrder, _ progress: @escaping @Sendable (GitProgress) throws(Failure) -> Void
  ) async throws(Failure) -> Fetched {
    let order = order.completed()
    let directory = try order.normalizedDirectory()
    if order.keepsGitDirectory, !directory.isEmpty {
      throw Failure(
        .invalidArgument, reason: "git-directory-invalid", "a directory of a repository has no .git of its own",
        hint: "keep the git directory of the whole repository, or fetch the directory without it")
    }
    let session = Session(order: order, lead: FetchLead(order.address), count: TransferCount(progress))
    let (result, name) = try await commit(
      order.address, order.credentials, order.reference, directory, in: session,
      withModules: order.includesSubmodules)
    if let expected = order.address.commit, expected != result.commit {
      throw Failure(
        .failedPrecondition, reason: "git-commit-mismatch",
        "'\(name)' of '\(order.address.url)' is the commit '\(result.commit)', not '\(expected)' as the address says",
        hint: "the reference has moved; name the commit alone, or correct the address")
    }
    let root = try Subtree(contents: ObjectContents(result.holding.source)).tree(directory, in: result.content.tree)
    let first = MountedTree(
      prefix: [], tree: root, source: result.holding.source, time: result.content.committerTime.milliseconds / 1000)
    var assembly = SubmoduleFetch(fetcher: self, session: session)
    let trees = try await assembly.trees(below: first, commitTree: result.content.tree, directory: directory)
    return Fetched(
      commit: result.commit, hasParents: !result.content.parents.isEmpty, reference: name, trees: trees,
      transferred: session.count.total,
      leases: [result.holding.lease] + assembly.leases,
      key: StoreKey(scope: order.scope, identity: order.address.identity))
  }

  /// One commit of one repository in the store, and the full name it was found by.
  ///
  /// Throws `git-transport-refused` for an address, of a submodule too, that the order does not let be reached so.
  func commit(
    _ address: GitAddress, _ credentials: GitCredentials?, _ reference: String, _ directory: String,
    in session: Session, withModules: Bool
  ) async throws(Failure) -> (CommitFetch.Result, String) {
    guard session.order.transports.contains(address.transport) else {
      throw .gitTransportRefused("repository '\(address.url)'", address.transport)
    }
    let key = StoreKey(scope: session.order.scope, identity: address.identity)
    let remote = try connect(address, credentials, session.lead)
    let fetch = CommitFetch(
      store: store, key: key, remote: remote, limits: limits, count: session.count, display: address.url)
    let resolver = ReferenceResolver(remote: remote, display: address.url)
    if let id = ReferenceResolver.wholeID(reference) {
      return try await inTurn(key) { () async throws(Failure) in
        try await self.commit(id, named: reference, fetch, resolver, directory, withModules: withModules)
      }
    }
    let resolved = try await resolver.resolve(reference)
    return try await inTurn(key) { () async throws(Failure) in
      if let resolved {
        if let found = try fetch.atHand(resolved.id, directory: directory) { return (found, resolved.name) }
        return (try await fetch.fetch(resolved.id, directory: directory, withModules: withModules), resolved.name)
      }
      guard let id = try await fetch.searchHistory(reference, tips: try await resolver.tips()) else {
        throw Failure(
          .notFound, reason: "git-reference-unknown",
          "repository '\(address.url)' has no branch or tag '\(reference)', and no commit that begins so was found",
          hint: "give the commit's whole id")
      }
      return try await self.commit(id, named: id.hex, fetch, resolver, directory, withModules: withModules)
    }
  }

  /// By its id: an object first; a branch or tag of that name where there is no such object.
  private func commit(
    _ id: ObjectID, named text: String, _ fetch: CommitFetch, _ resolver: ReferenceResolver, _ directory: String,
    withModules: Bool
  ) async throws(Failure) -> (CommitFetch.Result, String) {
    if let found = try fetch.atHand(id, directory: directory) { return (found, found.commit.hex) }
    let refusal: Failure
    do throws(Failure) {
      let result = try await fetch.fetch(id, directory: directory, withModules: withModules)
      return (result, result.commit.hex)
    } catch {
      guard ["git-want-refused", "git-reference-unknown"].contains(error.reason) else { throw error }
      refusal = error
    }
    if let branch = try await resolver.named(text) {
      if let found = try fetch.atHand(branch.id, directory: directory) { return (found, branch.name) }
      return (try await fetch.fetch(branch.id, directory: directory, withModules: withModules), branch.name)
    }
    guard refusal.reason == "git-want-refused" else { throw refusal }
    let result = try await fetch.deepen(to: id, tips: try await resolver.tips())
    return (result, result.commit.hex)
  }

  private func inTurn<Value: Sendable>(
    _ key: StoreKey, _ body: () async throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    try await store.turns.take(key)
    defer { store.turns.give(key) }
    return try await body()
  }
}
