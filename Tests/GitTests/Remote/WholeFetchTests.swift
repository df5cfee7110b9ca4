import Diagnostics
import Foundation
import Outbound
import SystemPackage
import TestSupport
import Testing

@testable import Git

@Suite("Whole fetches from git http-backend")
struct WholeFetchTests {
  @Test("a tree, one folder of a tree, a commit by name and again", arguments: [0, 2])
  func fetch(version: Int) async throws {
    let settings = ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"]
    let repository = try await ServedRepository(settings: settings)
    defer { repository.remove() }
    let server = try ScriptedServer(root: repository.root, login: "me:s3cret", version: "version=\(version)")
    let client = OutboundClient(policy: OutboundPolicy(), environment: [:])
    let result = await Result {
      try await withTemporaryFolder { folder in
        let store = try GitStore(folder: FilePath(folder.path("store")))
        let fetcher = GitFetcher(store: store, client: client, limits: GitLimits(), environment: [:])
        var order = GitTreeOrder(
          address: try GitAddress(parsing: server.url + "/site.git"),
          credentials: GitCredentials(username: "me", password: "s3cret"), scope: "acme")

        order.directory = "web"
        let part = try await fetcher.tree(order) { _ throws(Failure) in }
        #expect(part.paths.contains("b.txt"))
        #expect(part.transferred.objects == 4)
        part.lease.release()

        order.directory = ""
        order.reference = "v1"
        let whole = try await fetcher.checkOut(order, into: FilePath(folder.path("out"))) { _ throws(Failure) in }
        #expect(whole.commit.hex == repository.second)
        #expect(try folder.read("out/a.txt") == "two\n")

        order.reference = repository.first
        let old = try await fetcher.tree(order) { _ throws(Failure) in }
        #expect(try old.text("a.txt") == "one\n")
        old.lease.release()
        let again = try await fetcher.tree(order) { _ throws(Failure) in }
        #expect(again.transferred.objects == 0)
        again.lease.release()
      }
    }
    await client.shutdown()
    await server.stop()
    try result.get()
  }
}
