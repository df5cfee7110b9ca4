import Diagnostics
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Git
@testable import Outbound

@Suite("Where a repository may lead those who fetch it")
struct FetchLeadTests {
  /// A repository whose one submodule is at `module`, served on loopback; `addresses` are what names mean in turn.
  private func withServer(
    module: String? = nil, login: String? = nil, addresses: [String] = [],
    _ body: (ScriptedServer, GitFetcher, OutboundClient) async throws -> Void
  ) async throws {
    try await withTemporaryFolder { folder in
      let repository = try await SampleRepository(folder.path("site.git"))
      try repository.write("one\n", to: "a.txt")
      if let module {
        try repository.write("[submodule \"two\"]\n\tpath = two\n\turl = \(module)\n", to: ".gitmodules")
        let id = String(repeating: "12", count: 20)
        try await repository.run("update-index", "--add", "--cacheinfo", "160000,\(id),two")
        try await repository.run("add", ".gitmodules")
      } else {
        try await repository.run("add", "a.txt")
      }
      try await repository.run("commit", "-q", "-m", "one")
      let server = try ScriptedServer(root: folder.path, login: login)
      let script = Answers(addresses)
      let client = OutboundClient(policy: OutboundPolicy(), environment: [:]) {
        (host, _, _) async throws(Failure) -> [NetworkAddress] in
        if let literal = NetworkAddress(literal: host) { return [literal] }
        return await script.next()
      }
      let fetcher = GitFetcher(
        store: try GitStore(folder: FilePath(folder.path("store"))), client: client, limits: GitLimits(),
        environment: [:])
      let result = await Result { try await body(server, fetcher, client) }
      await client.shutdown()
      await server.stop()
      try result.get()
    }
  }

  @Test(
    "a submodule leads to no other kind of place than its parent is",
    arguments: ["http://10.0.0.1/two.git", "http://192.168.7.7:3000/two.git", "http://[fd12::1]/two.git"])
  func submodules(url: String) async throws {
    try await withServer(module: url) { server, fetcher, _ in
      let order = GitTreeOrder(
        address: try GitAddress(parsing: server.url + "/site.git"), scope: "acme", includesSubmodules: true)
      let failure = await #expect(throws: Failure.self) { try await fetcher.tree(order) { _ throws(Failure) in } }
      #expect(failure?.reason == "outbound-address")
    }
  }

  @Test("also when the parent's commit is at hand and nobody was asked for it")
  func atHand() async throws {
    try await withServer(module: "http://10.0.0.1/two.git") { server, fetcher, _ in
      var order = GitTreeOrder(address: try GitAddress(parsing: server.url + "/site.git"), scope: "acme")
      let first = try await fetcher.tree(order) { _ throws(Failure) in }
      order.reference = first.commit.hex
      order.includesSubmodules = true
      let failure = await #expect(throws: Failure.self) { try await fetcher.tree(order) { _ throws(Failure) in } }
      #expect(failure?.reason == "outbound-address")
    }
  }

  @Test("a name that means another kind of place by the second request is not asked there", arguments: [false, true])
  func rebinding(asksForLogin: Bool) async throws {
    let login = asksForLogin ? "me:s3cret" : nil
    try await withServer(login: login, addresses: ["127.0.0.1", "10.0.0.1"]) { server, _, client in
      let remote = try HTTPRemote(
        address: try GitAddress(parsing: "http://rebind.example:\(server.port)/site.git"),
        credentials: GitCredentials(username: "me", password: "s3cret"), client: client)
      let failure = await #expect(throws: Failure.self) { _ = try await remote.references(prefixes: []) }
      #expect(failure?.reason == "outbound-address")
      #expect(try server.requests().count == 1)
    }
  }

  private actor Answers {
    private var left: [String]
    init(_ texts: [String]) { left = texts }
    func next() -> [NetworkAddress] {
      left.isEmpty ? [] : [NetworkAddress(literal: left.removeFirst())].compactMap(\.self)
    }
  }
}
