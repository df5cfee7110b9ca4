import Builder
import Diagnostics
import Git
import Storage

/// Repositories that ADD names, fetched as a build's own source is.
package struct GitTrees: RemoteTrees {
  private let fetcher: GitFetcher

  package init(fetcher: GitFetcher) { self.fetcher = fetcher }

  /// Docker: without a reference the remote's own HEAD, and submodules are filled unless the query says `submodules=false`.
  ///
  /// Throws `add-git-local` for a repository of this machine, and what `GitFetcher` throws.
  package func fetch(
    _ order: RemoteTreeOrder, for organization: OrganizationName
  ) async throws(Failure) -> RemoteTree {
    let address = try GitAddress(parsing: order.source, userinfo: .allowed)
    guard address.transport != .file else {
      throw Failure(
        .permissionDenied, reason: "add-git-local", "ADD of '\(address.display)' would read this machine's own files",
        hint: "put them into the context and use COPY")
    }
    let tree = try await fetcher.tree(
      GitTreeOrder(
        address: address, reference: address.reference ?? address.commit?.hex ?? "HEAD",
        directory: address.subdirectory ?? "", credentials: address.credentials, scope: organization.name,
        includesSubmodules: address.includesSubmodules ?? true,
        keepsGitDirectory: order.keepsGitDirectory || address.keepsGitDirectory == true)
    ) { _ throws(Failure) in }
    if let commit = address.commit, commit != tree.commit {
      throw Failure(
        .failedPrecondition, reason: "add-checksum-mismatch",
        "'\(address.display)' is '\(tree.commit)', where the Dockerfile says '\(commit)'",
        hint: "look at what changed there; if it is right, write the new commit into the Dockerfile")
    }
    return RemoteTree(commit: tree.commit.hex, index: tree.index, lease: tree.lease)
  }
}
