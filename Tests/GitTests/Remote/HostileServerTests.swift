import Diagnostics
import Foundation
import Outbound
import TestSupport
import Testing

@testable import Git

@Suite("Servers that mean no good")
struct HostileServerTests {
  private static let list = "GET /a.git/info/refs?service=git-upload-pack"
  private static let pack = "POST /a.git/git-upload-pack"
  private static let id = String(repeating: "1", count: 40)
  private static let secret = GitCredentials(username: "me", password: "s3cret")

  private func advertisement(
    _ packets: [UInt8], status: Int = 200, headers: [[String]] = [], times: Int = 1, holds: Bool = false
  ) -> ScriptedServer.Answer {
    ScriptedServer.Answer(
      status: status, headers: headers + [["Content-Type", "application/x-git-upload-pack-advertisement"]],
      body: Data(packets), times: times, holds: holds)
  }

  private var version2: ScriptedServer.Answer {
    advertisement(Wire.line("version 2") + Wire.line("ls-refs") + Wire.line("fetch=shallow") + Wire.flush)
  }

  private func redirect(_ status: Int = 302, to location: String) -> ScriptedServer.Answer {
    ScriptedServer.Answer(status: status, headers: [["Location", location]])
  }

  /// What a fetch of `/a.git` fails with.
  private func failure(
    _ answers: [String: ScriptedServer.Answer], root: String? = nil, limits: GitLimits = GitLimits(),
    _ check: (ScriptedServer) throws -> Void = { _ in }
  ) async throws -> Failure? {
    let server = try ScriptedServer(root: root, answers: answers)
    let client = OutboundClient(policy: OutboundPolicy(), environment: [:])
    let result = await Result {
      let remote = try HTTPRemote(
        address: try GitAddress(parsing: server.url + "/a.git"), credentials: Self.secret, client: client,
        limits: limits)
      let want = try #require(ObjectID(hex: Self.id))
      let failure = await #expect(throws: Failure.self) {
        _ = try await remote.fetch(FetchRequest(wants: [want]), bases: NoObjects(), into: PackFile()) { _ in }
      }
      try check(server)
      return failure
    }
    await client.shutdown()
    await server.stop()
    return try result.get()
  }

  @Test(
    "answers that are not git's are told apart",
    arguments: [
      (200, "text/html; charset=utf-8", "git-not-git"), (200, "text/plain", "git-not-git"),
      (200, "application/json", "git-not-git"), (403, "text/html", "git-auth-refused"),
      (404, "text/html", "git-repository-not-found"), (500, "text/html", "git-http-status"),
      (301, "text/html", "git-http-status"), (204, "text/html", "git-http-status"),
    ])
  func notGit(status: Int, type: String, reason: String) async throws {
    let page = ScriptedServer.Answer(
      status: status, headers: [["Content-Type", type]], body: Data("<html>Log in</html>".utf8))
    let failure = try await failure([Self.list: page])
    #expect(failure?.reason == reason)
    #expect(failure?.hint?.isEmpty == false)
  }

  @Test(
    "the answer to a fetch is not trusted either",
    arguments: [
      ("text/html", Wire.flush, "git-not-git"),
      ("application/x-git-upload-pack-result", Wire.line("packfile") + Wire.band(4, "x"), "git-protocol-error"),
      ("application/x-git-upload-pack-result", Wire.line("packfile") + Wire.band(3, "\u{1B}[2Jno"), "git-remote-error"),
      ("application/x-git-upload-pack-result", Wire.line("packfile") + Wire.band(1, "PACK"), "git-connection-lost"),
      ("application/x-git-upload-pack-result", Array("00".utf8), "git-connection-lost"),
      ("application/x-git-upload-pack-result", [], "git-connection-lost"),
    ])
  func fetches(type: String, body: [UInt8], reason: String) async throws {
    let answer = ScriptedServer.Answer(headers: [["Content-Type", type]], body: Data(body))
    #expect(try await failure([Self.list: version2, Self.pack: answer])?.reason == reason)
  }

  @Test("credentials do not follow a redirect to another server")
  func leak() async throws {
    let repository = try await ServedRepository()
    defer { repository.remove() }
    let other = try ScriptedServer(root: repository.root, login: "me:s3cret")
    let result = await Result {
      try await failure([Self.list: redirect(to: "\(other.url)/site.git/info/refs?service=git-upload-pack")])
    }
    let asked = try other.requests()
    await other.stop()
    #expect(try result.get()?.reason == "git-auth-required")
    #expect(asked.count == 1)
    #expect(asked.allSatisfy { $0.authorization == nil })
  }

  @Test(
    "redirects into places nobody named are refused",
    arguments: [
      ("http://169.254.169.254/info/refs?service=git-upload-pack", "outbound-address"),
      ("http://10.0.0.1/info/refs?service=git-upload-pack", "outbound-address"),
      ("http://[fe80::1]/info/refs?service=git-upload-pack", "outbound-address"),
      ("/elsewhere", "git-protocol-error"), ("/a.git/info/refs?service=git-upload-pack", "outbound-redirect-limit"),
    ])
  func redirects(location: String, reason: String) async throws {
    let page = advertisement(Wire.flush)
    let answers = [Self.list: redirect(to: location), "GET /elsewhere": page]
    #expect(try await failure(answers)?.reason == reason)
  }

  @Test("a repository that moved is asked at its new address")
  func moved() async throws {
    let repository = try await ServedRepository()
    defer { repository.remove() }
    let answers = [Self.list: redirect(301, to: "/site.git/info/refs?service=git-upload-pack")]
    var lines: [String] = []
    let failure = try await failure(answers, root: repository.root) { lines = try $0.requests().map(\.line) }
    #expect(failure?.reason == "git-want-refused")
    #expect(lines.last == "POST /site.git/git-upload-pack")
  }

  @Test("a redirect after the first request is not followed")
  func late() async throws {
    let answers = [Self.list: version2, Self.pack: redirect(307, to: "/b.git/git-upload-pack")]
    var lines: [String] = []
    #expect(try await failure(answers) { lines = try $0.requests().map(\.line) }?.reason == "git-http-status")
    #expect(lines == [Self.list, Self.pack])
  }

  @Test("a list that unpacks without end is cut off")
  func bomb() async throws {
    var limits = GitLimits()
    limits.listSize = .mebibytes(1)
    let packed = try await Self.gzip(Self.manyReferences(100_000))
    #expect(packed.count < 1 << 19)
    let answer = advertisement(packed, headers: [["Content-Encoding", "gzip"]])
    #expect(try await failure([Self.list: answer], limits: limits)?.reason == "git-list-size-limit")
  }

  @Test("references without end are cut off, by number and by size", arguments: [true, false])
  func references(byNumber: Bool) async throws {
    var limits = GitLimits()
    if byNumber { limits.references = 100_000 } else { limits.listSize = .mebibytes(2) }
    let answer = advertisement([UInt8](Self.manyReferences(1000)), times: 10_000)
    let failure = try await failure([Self.list: answer], limits: limits)
    #expect(failure?.reason == (byNumber ? "git-references-limit" : "git-list-size-limit"))
  }

  @Test("a server that falls silent is not waited for", arguments: [true, false])
  func silence(inList: Bool) async throws {
    var limits = GitLimits()
    limits.idleTimeout = .milliseconds(200)
    var pack = ScriptedServer.Answer(headers: [["Content-Type", "application/x-git-upload-pack-result"]])
    pack.body = Data(Wire.line("packfile"))
    pack.holds = true
    let silent = advertisement(Wire.line("version 2"), holds: true)
    let answers = inList ? [Self.list: silent] : [Self.list: version2, Self.pack: pack]
    #expect(try await failure(answers, limits: limits)?.reason == "outbound-timeout")
  }

  @Test("a fetch is cancelled while the server says nothing", arguments: [true, false])
  func cancelled(inList: Bool) async throws {
    var pack = ScriptedServer.Answer(headers: [["Content-Type", "application/x-git-upload-pack-result"]])
    pack.body = Data(Wire.line("packfile") + Wire.band(2, "Counting\n"))
    pack.holds = true
    let silent = advertisement(Wire.line("version 2"), holds: true)
    let server = try ScriptedServer(answers: inList ? [Self.list: silent] : [Self.list: version2, Self.pack: pack])
    let client = OutboundClient(policy: OutboundPolicy(), environment: [:])
    let remote = try HTTPRemote(
      address: try GitAddress(parsing: server.url + "/a.git"), credentials: nil, client: client)
    let want = try #require(ObjectID(hex: Self.id))
    let (heard, hearing) = AsyncStream<Void>.makeStream()
    let task = Task {
      try await remote.fetch(FetchRequest(wants: [want]), bases: NoObjects(), into: PackFile()) { _ in hearing.finish()
      }
    }
    if inList {
      while try server.requests().isEmpty { await Task.yield() }
    } else {
      for await _ in heard {}
    }
    task.cancel()
    let failure = await #expect(throws: Failure.self) { _ = try await task.value }
    #expect(failure?.reason == "cancelled")
    await client.shutdown()
    await server.stop()
  }

  private static func manyReferences(_ count: Int) -> Data {
    Data((0..<count).flatMap { Wire.line("\(id) refs/heads/\($0)") })
  }

  private static func gzip(_ data: Data) async throws -> [UInt8] {
    try await withTemporaryFolder { folder in
      try data.write(to: URL(fileURLWithPath: folder.path("plain")))
      try await Tool("gzip").run([folder.path("plain")])
      return [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("plain.gz"))))
    }
  }
}
