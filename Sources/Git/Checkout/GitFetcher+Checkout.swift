import Diagnostics
import SystemPackage

extension GitFetcher {
  /// Writes the commit's files into `target`, a directory that is empty or made now; nothing stays when it fails.
  ///
  /// Throws what `tree` throws, and `checkout-directory-not-empty`.
  package func checkOut(
    _ order: GitTreeOrder, into target: FilePath,
    progress: @escaping @Sendable (GitProgress) throws(Failure) -> Void
  ) async throws(Failure) -> CheckedOut {
    let fetched = try await fetch(order, progress)
    defer { for lease in fetched.leases { lease.release() } }
    try DirectoryCheckout(target: target, limits: limits).write(fetched.trees) { () throws(Failure) in
      guard order.keepsGitDirectory else { return }
      let folder = target.appending(".git")
      try StoreFolder.make(folder, mode: 0o755)
      try fetched.gitDirectory(of: order).write(fetched.trees, into: folder, worktree: target, limits: limits)
    }
    return CheckedOut(
      commit: fetched.commit, reference: fetched.reference, files: fetched.trees.survey.files,
      bytes: ByteCount(fetched.trees.survey.bytes), notes: fetched.trees.notes, transferred: fetched.transferred)
  }
}
