import Builder
import Diagnostics
import Git
import Storage

/// Repositories that ADD names, fetched as a build's own source is and under the same rules.
package struct GitTrees: RemoteTrees {
  private let fetcher: GitFetcher
  private let rules: GitRules

  package init(fetcher: GitFetcher, rules: GitRules) {
    self.fetcher = fetcher
    self.rules = rules
  }

  /// Docker: without a reference the remote's own HEAD; submodules are filled unless the query says
  /// `submodules=false`. A user in the URL is sent to its own server; saved credentials are for the build's source.
  ///
  /// Throws `git-transport-refused`, `add-checksum-mismatch`, and what `GitFetcher` throws.
  package func fetch(
    _ order: RemoteTreeOrder, for organization: OrganizationName, watch: @escaping TransferMeter.Watch
  ) async throws(Failure) -> RemoteTree {
    let address = try GitAddress(parsing: order.source, userinfo: .allowed)
    try check(address)
    let credentials = address.credentials.map {
      BuildSecrets.GitCredentials(username: $0.username, password: $0.password)
    }
    let tree: FetchedTree
    let meter = TransferMeter(.fetch, address.display, watch: watch)
    do throws(Failure) {
      tree = try await fetcher.tree(
        GitTreeOrder(
          address: address, reference: address.reference ?? address.commit?.hex ?? "HEAD",
          directory: address.subdirectory ?? "", credentials: address.credentials, scope: organization.name,
          includesSubmodules: address.includesSubmodules ?? true,
          keepsGitDirectory: order.keepsGitDirectory || address.keepsGitDirectory == true,
          transports: rules.transports)
      ) { progress throws(Failure) in if progress.remote == nil { meter.reach(progress.bytes.bytes) } }
      meter.finish()
    } catch { throw Redaction(credentials).failure(error) }
    if let commit = address.commit, commit != tree.commit {
      throw Failure(
        .failedPrecondition, reason: "add-checksum-mismatch",
        "'\(address.display)' is '\(tree.commit)', where the Dockerfile says '\(commit)'",
        hint: "look at what changed there; if it is right, write the new commit into the Dockerfile")
    }
    return RemoteTree(commit: tree.commit.hex, index: tree.index, lease: tree.lease)
  }

  private func check(_ address: GitAddress) throws(Failure) {
    let needed: String
    switch address.transport {
    case .file where !rules.allowsLocal: needed = "is a repository of the server's own machine"
    case .ssh where !rules.allowsSSH: needed = "needs the ssh keys of the server's own machine"
    default: return
    }
    throw Failure(
      .permissionDenied, reason: "git-transport-refused",
      "ADD of '\(address.display)' \(needed), which builds may not use",
      hint: address.transport == .ssh
        ? "use its https address, or start the server with --allow-git ssh"
        : "start the server with --allow-git local, or put the files into the context")
  }
}
