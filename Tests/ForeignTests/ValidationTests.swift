import Foundation
import TestSupport
import Testing

/// Every rule of the contract about what a request may say, through both doors: the code, words that say what is wrong
/// and what to do, and that nothing was kept of it.
@Suite("validation") struct ValidationTests {
  /// One request that is refused.
  struct Rule: Sendable {
    var name: String
    var rpc: String
    var requests: [JSON]
    var code: String
    var words: [String]

    init(_ name: String, _ rpc: String, _ requests: [JSON], _ words: [String], code: String = "INVALID_ARGUMENT") {
      self.name = name
      self.rpc = rpc
      self.requests = requests
      self.code = code
      self.words = words
    }
  }

  @Test("CreateBuild: what it takes and what it refuses", arguments: Doors.allCases)
  func createBuild(_ door: Doors) async throws {
    try await withServer { server, folder in
      let good = try await Tree.inline(dockerfile: Tree.scratch, in: folder)
      let acme = try await server.token(of: "acme")
      let upload = [["metadata": ["name": "x"]], ["chunk": good]] as [JSON]
      let uploads = try await Doors.grpc.call(
        server,
        [
          Doors.Call(rpc: "UploadBuildContext", requests: upload, token: acme),
          Doors.Call(rpc: "UploadBuildContext", requests: upload),
        ])
      let (theirs, expired) = (uploads[0].message["contextId"], uploads[1].message["contextId"])
      try await Ledger(server).run("UPDATE contexts SET expires_at = 1 WHERE id = '\(expired.string ?? "")'")
      let rules = CreateBuildRules.fields(good) + CreateBuildRules.sources(good, theirs: theirs, expired: expired)
      try await expectRefused(rules, server, door)

      let taken = CreateBuildRules.taken(good)
      let answers = try await door.call(
        server, taken.map { Doors.Call(rpc: "CreateBuild", requests: [$0]) })
      for (request, answer) in zip(taken, answers) { #expect(answer.code == "OK", "\(request["name"]): \(answer)") }
      let api = HTTPAPI(server)
      for answer in answers { _ = try await api.ended(try #require(answer.message["buildId"].string)) }
    }
  }

  @Test("the other RPCs: what they refuse", arguments: Doors.allCases)
  func others(_ door: Doors) async throws {
    try await withServer { server, _ in
      try await expectRefused(OtherRules.identifiers + OtherRules.lists + OtherRules.secrets, server, door)
      if door == .grpc { try await expectRefused(OtherRules.uploads, server, door) }
      let lists: [JSON] = [
        ["limit": 0], ["limit": 200], ["limit": 4_294_967_295], ["cursor": ""], ["status": "BUILD_STATUS_FAILED"],
        ["status": 4],
      ]
      let answers = try await door.call(server, lists.map { Doors.Call(rpc: "ListBuilds", requests: [$0]) })
      for (request, answer) in zip(lists, answers) { #expect(answer.code == "OK", "\(request.text): \(answer)") }
    }
  }

  @Test("JSON: what the other door cannot even say")
  func json() async throws {
    try await withServer { server, folder in
      let good = try await Tree.inline(dockerfile: Tree.scratch, in: folder).text
      let before = try await Ledger(server).counts()
      for (name, body, words) in JSONRules.bodies(good) {
        let answer = try await Doors.raw(server, "POST", "/v1/ignite/builds", body)
        #expect(answer.code == "INVALID_ARGUMENT", "\(name): \(answer)")
        for word in words { #expect(answer.text.contains(word), "\(name): \(answer)") }
      }
      for (query, words) in JSONRules.queries {
        let answer = try await Doors.raw(server, "GET", "/v1/ignite/builds?" + query)
        #expect(answer.code == "INVALID_ARGUMENT", "\(query): \(answer)")
        for word in words { #expect(answer.text.contains(word), "\(query): \(answer)") }
      }
      #expect(try await Ledger(server).counts() == before)
      for body in JSONRules.taken(good) {
        let answer = try await Doors.raw(server, "POST", "/v1/ignite/builds", body)
        #expect(answer.code == "OK", "\(answer)")
        if let id = answer.message["buildId"].string { _ = try await HTTPAPI(server).ended(id) }
      }
      for query in ["status=failed", "status=BUILD_STATUS_FAILED", "status=4", "status=Running&limit=1", ""] {
        let answer = try await Doors.raw(server, "GET", "/v1/ignite/builds?" + query)
        #expect(answer.code == "OK", "\(query): \(answer)")
      }
    }
  }

  private func expectRefused(_ rules: [Rule], _ server: ServerProcess, _ door: Doors) async throws {
    let before = try await Ledger(server).counts()
    let answers = try await door.call(server, rules.map { Doors.Call(rpc: $0.rpc, requests: $0.requests) })
    for (rule, answer) in zip(rules, answers) {
      #expect(answer.code == rule.code, "\(rule.rpc) \(rule.name): \(answer)")
      for word in rule.words { #expect(answer.text.contains(word), "\(rule.rpc) \(rule.name): \(answer)") }
      #expect(!answer.text.contains("sesame"), "\(rule.rpc) \(rule.name): \(answer)")
      #expect(!answer.text.contains { $0.isNewline || $0 == "\0" }, "\(rule.rpc) \(rule.name): \(answer)")
    }
    #expect(try await Ledger(server).counts() == before)
    #expect(try Leftovers.of(server) == [])
    #expect(try FileManager.default.subpathsOfDirectory(atPath: server.data + "/builds").isEmpty)
  }
}

/// The server's own books, read by Python's SQLite beside it.
private struct Ledger {
  private let data: String
  private var file: String { data + "/ledger.sqlite" }

  init(_ server: ServerProcess) { data = server.data }

  /// Rows of every table, and files of contexts.
  func counts() async throws -> String {
    try await python(
      """
      tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
      print({t: db.execute(f'SELECT count(*) FROM "{t}"').fetchone()[0] for t in tables})
      """) + "\(try FileManager.default.subpathsOfDirectory(atPath: data + "/contexts").sorted())"
  }

  func run(_ statement: String) async throws { _ = try await python("db.execute(\"\(statement)\")\ndb.commit()") }

  private func python(_ script: String) async throws -> String {
    let result = try await Tool("python3").run([
      "-c", "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], timeout=10)\n" + script, file,
    ])
    guard result.status == 0 else { throw Python.Broken(words: result.all) }
    return result.output
  }
}
