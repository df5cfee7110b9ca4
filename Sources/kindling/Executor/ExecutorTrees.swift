import Builder
import Diagnostics
import Git
import Service
import Storage

/// Repositories of the executor's builds: the command line may name any, with its own keys and credentials; the
/// Dockerfile only what anybody could fetch.
struct ExecutorTrees: RemoteTrees {
  /// The addresses of `--build-context`.
  let named: Set<String>
  /// What ADD names.
  let added: GitTrees
  /// Fetches one of `named`.
  let fetchNamed: @Sendable (String, @escaping TransferMeter.Watch) async throws(Failure) -> FetchedTree

  func fetch(
    _ order: RemoteTreeOrder, for organization: OrganizationName, watch: @escaping TransferMeter.Watch
  ) async throws(Failure) -> RemoteTree {
    guard named.contains(order.source) else {
      do throws(Failure) { return try await added.fetch(order, for: organization, watch: watch) } catch {
        guard error.reason == "git-transport-refused" else { throw error }
        var failure = error
        failure.hint = "use its https address, or name it on the command line with --build-context NAME=ADDRESS"
        throw failure
      }
    }
    let tree = try await fetchNamed(order.source, watch)
    return RemoteTree(commit: tree.commit.hex, index: tree.index, lease: tree.lease)
  }
}
