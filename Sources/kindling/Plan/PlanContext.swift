import Builder
import Diagnostics
import Foundation
import Git
import Outbound
import SystemPackage

/// What a plan is made from: a directory where it is, or a commit that is fetched for the plan alone.
struct PlanContext: Sendable {
  let source: BuildOrder.Source
  /// Takes what an archive is unpacked to; directories and commits need none.
  let scratch: FilePath
  private let folder: FilePath?
  private let lease: GitLease?

  init(directory: FilePath) {
    source = .directory(directory)
    scratch = directory
    folder = nil
    lease = nil
  }

  private init(tree: FetchedTree, in folder: FilePath) {
    source = .tree(tree.index)
    scratch = folder.appending("context")
    self.folder = folder
    lease = tree.lease
  }

  /// Removes what was fetched.
  func close() {
    lease?.release()
    if let folder { try? FileManager.default.removeItem(atPath: folder.string) }
  }

  /// The commit of an address as `kindling build` takes it, in a folder of its own for temporary files; the caller
  /// closes it.
  static func fetch(
    _ text: String, limits: GitLimits, environment: [String: String], display: FetchDisplay
  ) async throws -> PlanContext {
    // As for a build, without passwords: commands are seen and kept.
    let address = try GitAddress(parsing: text, pullMethod: try GitEnvironment.pullMethod(environment))
    let order = GitTreeOrder(
      address: address, reference: address.commit?.hex ?? address.reference ?? "",
      directory: address.subdirectory ?? "", credentials: GitEnvironment.credentials(environment), scope: "plan",
      includesSubmodules: address.includesSubmodules == true, keepsGitDirectory: address.keepsGitDirectory == true,
      transports: GitAddress.Transport.every)
    let folder = FilePath(
      FileManager.default.temporaryDirectory.appending(path: "kindling-plan-\(UUID().uuidString)").path())
    let client = OutboundClient(policy: OutboundPolicy(), environment: environment)
    let result: Result<FetchedTree, any Error>
    do {
      let fetcher = GitFetcher(
        store: try GitStore(folder: folder), client: client, limits: limits, environment: environment)
      result = .success(
        try await Interrupts.stopping { try await fetcher.tree(order) { progress in display.show(progress) } })
    } catch { result = .failure(error) }
    display.clear()
    await client.shutdown()
    do { return PlanContext(tree: try result.get(), in: folder) } catch {
      try? FileManager.default.removeItem(atPath: folder.string)
      throw error
    }
  }
}
