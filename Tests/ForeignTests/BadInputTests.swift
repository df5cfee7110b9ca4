import Foundation
import TestSupport
import Testing

/// What a newcomer gets wrong, through both doors: the contract's code, a text that says what to do, nothing left.
@Suite("bad input") struct BadInputTests {
  enum Door: String, CaseIterable, Sendable { case grpc, http }

  /// One request that CreateBuild refuses.
  private struct Refusal {
    var name: String
    var request: JSON
    var code: String
    var words: [String]
    var token: String?
  }

  @Test("what CreateBuild can see is refused at once and leaves nothing", arguments: Door.allCases)
  func refused(_ door: Door) async throws {
    try await withServer { server, folder in
      let good = try await Tree.inline(dockerfile: Tree.scratch, in: folder)
      let large = JSON.string(Data(repeating: 7, count: 5 << 20).base64EncodedString())
      var cases = [
        Refusal(
          name: "no name", request: ["zippedCode": good], code: "INVALID_ARGUMENT", words: ["no name", "name it"]),
        Refusal(
          name: "a name that is none", request: ["name": "No/Name", "zippedCode": good], code: "INVALID_ARGUMENT",
          words: ["'No/Name'", "lower-case"]),
        Refusal(
          name: "no source", request: ["name": "x"], code: "INVALID_ARGUMENT",
          words: ["no source", "exactly one of context_id, zipped_code and git_source"]),
        Refusal(
          name: "an empty context", request: ["name": "x", "zippedCode": ""], code: "INVALID_ARGUMENT",
          words: ["empty", "tar.gz or zip"]),
        Refusal(
          name: "a large inline context", request: ["name": "x", "zippedCode": large], code: "INVALID_ARGUMENT",
          words: ["4 MiB", "UploadBuildContext"]),
        Refusal(
          name: "a bad tag", request: ["name": "x", "zippedCode": good, "tags": ["ok", "not ok"]],
          code: "INVALID_ARGUMENT", words: ["'not ok'", "letters"]),
        Refusal(
          name: "a platform of another machine", request: ["name": "x", "zippedCode": good, "platform": "linux/s390x"],
          code: "INVALID_ARGUMENT", words: ["'linux/s390x'", "nothing is emulated"]),
        Refusal(
          name: "no platform at all", request: ["name": "x", "zippedCode": good, "platform": "toaster"],
          code: "INVALID_ARGUMENT", words: ["'toaster'", "linux/amd64"]),
        Refusal(
          name: "a Dockerfile outside", request: ["name": "x", "zippedCode": good, "dockerfile": "../Dockerfile"],
          code: "INVALID_ARGUMENT", words: ["'../Dockerfile'", "relative"]),
        Refusal(
          name: "an unknown context", request: ["name": "x", "contextId": "ctx_01HZX9ABCDEFGHJKMNPQRSTVWX"],
          code: "NOT_FOUND", words: ["ctx_01HZX9ABCDEFGHJKMNPQRSTVWX", "upload"]),
        Refusal(
          name: "git without a URL", request: ["name": "x", "gitSource": ["reference": "main"]],
          code: "INVALID_ARGUMENT", words: ["git_source", "url"]),
        Refusal(
          name: "a password in a URL", request: ["name": "x", "gitSource": ["url": "https://u:p@git.example/x.git"]],
          code: "INVALID_ARGUMENT", words: ["SaveBuildSecrets git_credentials"]),
        Refusal(
          name: "files of the server", request: ["name": "x", "gitSource": ["url": "file:///srv/x.git"]],
          code: "INVALID_ARGUMENT", words: ["'/srv/x.git'", "--allow-git local"]),
        Refusal(
          name: "a command as transport", request: ["name": "x", "gitSource": ["url": "ext::sh -c id"]],
          code: "INVALID_ARGUMENT", words: ["ext"]),
        Refusal(
          name: "a climbing context_dir",
          request: ["name": "x", "gitSource": ["url": "https://git.example/x.git", "contextDir": "../x"]],
          code: "INVALID_ARGUMENT", words: ["'../x'", "relative"]),
        Refusal(
          name: "a damaged token", request: ["name": "x", "zippedCode": good], code: "UNAUTHENTICATED",
          words: ["kindling token"], token: String(server.token.dropLast(8)) + "AAAAAAAA"),
        Refusal(
          name: "no token that is one", request: ["name": "x", "zippedCode": good], code: "UNAUTHENTICATED",
          words: ["kindling token"], token: "dev"),
        Refusal(
          name: "an expired token", request: ["name": "x", "zippedCode": good], code: "UNAUTHENTICATED",
          words: ["expired", "kindling token"], token: try await Python.expiredToken(server)),
        Refusal(
          name: "no token", request: ["name": "x", "zippedCode": good], code: "UNAUTHENTICATED",
          words: ["no token", "Authorization: Bearer"], token: ""),
      ]
      if door == .http {
        // A client of the other door cannot even say these: its messages have one place for a source, and no other member.
        cases += [
          Refusal(
            name: "two sources", request: ["name": "x", "zippedCode": good, "contextId": "ctx_1"],
            code: "INVALID_ARGUMENT", words: ["'zippedCode'", "'contextId'", "exactly one of"]),
          Refusal(
            name: "an unknown member", request: ["name": "x", "zippedCode": good, "tag": "v1"],
            code: "INVALID_ARGUMENT", words: ["'tag'", "tags"]),
        ]
      }
      let answers = try await create(cases, server, door)
      for (refusal, answer) in zip(cases, answers) {
        #expect(answer.code == refusal.code, "\(refusal.name): \(answer)")
        for word in refusal.words { #expect(answer.text.contains(word), "\(refusal.name): \(answer)") }
      }
      #expect(try await HTTPAPI(server).call("GET", "/v1/ignite/builds").json == [:])
      #expect(try Leftovers.of(server) == [])
      #expect(try FileManager.default.subpathsOfDirectory(atPath: server.data + "/contexts").isEmpty)
      #expect(try FileManager.default.subpathsOfDirectory(atPath: server.data + "/builds").isEmpty)
    }
  }

  @Test(
    "what only the work can find out becomes a FAILED build with its reason, and no image", arguments: Door.allCases)
  func failed(_ door: Door) async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      let cases: [(name: String, request: JSON, error: [String], log: [String])] = [
        ("cut", ["zippedCode": try await BadArchive.truncated(in: folder)], ["ends"], []),
        ("outside", ["zippedCode": try await BadArchive.climbing(in: folder)], ["../x"], []),
        ("noise", ["zippedCode": "aGVsbG8gd29ybGQ="], ["neither tar, tar.gz nor zip"], ["tar -C DIR"]),
        (
          "syntax", ["zippedCode": try await Tree.inline(dockerfile: "FROM scratch\nCOPPY . /\n", in: folder)],
          ["\"COPPY\"", "Dockerfile:2"], ["> 2 | COPPY . /", "did you mean COPY"]
        ),
        (
          "missing", ["zippedCode": try await Tree(["readme": "hello"], in: folder).inline()],
          ["Dockerfile"], ["dockerfile"]
        ),
        (
          "other",
          ["zippedCode": try await Tree(["Dockerfile": "FROM scratch\n"], in: folder).inline(), "dockerfile": "a/b"],
          ["a/b"], []
        ),
        (
          "base", ["zippedCode": try await Tree.inline(dockerfile: "FROM debian:13\n", in: folder)],
          ["'debian:13'"], ["kindling image import debian:13"]
        ),
        (
          "exit",
          ["zippedCode": try await Tree.inline(dockerfile: "FROM busybox\nRUN echo so far; exit 3\n", in: folder)],
          ["3", "Dockerfile:2"], [" so far", "> 2 | RUN echo so far; exit 3"]
        ),
        (
          "copy", ["zippedCode": try await Tree.inline(dockerfile: "FROM scratch\nCOPY nowhere /\n", in: folder)],
          ["nowhere", "Dockerfile:2"], ["> 2 | COPY nowhere /"]
        ),
      ]
      let requests = cases.map { entry in
        var request = entry.request
        request["name"] = .string(entry.name)
        return Refusal(name: entry.name, request: request, code: "OK", words: [])
      }
      let answers = try await create(requests, server, door)
      let api = HTTPAPI(server)
      for (entry, answer) in zip(cases, answers) {
        let id = try #require(answer.build, "\(entry.name): \(answer)")
        let (build, log) = try await api.ended(id)
        #expect(build["status"] == "BUILD_STATUS_FAILED", "\(entry.name): \(build.text)")
        for word in entry.error {
          #expect(build["error"].string?.contains(word) == true, "\(entry.name): \(build.text)")
        }
        for word in entry.log {
          #expect(log.contains { $0.contains(word) }, "\(entry.name): \(log.joined(separator: "\n"))")
        }
        #expect(log.contains { $0.hasPrefix("failed: ") }, "\(entry.name): \(log)")
        #expect(build["imageRefs"] == .null && build["metrics"]["imageSizeBytes"] == .null, "\(build.text)")
        #expect(try await Leftovers.tags(of: entry.name, server) == nil)
      }
      #expect(try Leftovers.of(server) == [])
      #expect(!FileManager.default.fileExists(atPath: folder.path("x")))
    }
  }

  @Test("a build that takes longer than it may is FAILED with its limit, and its processes are gone")
  func timeout() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      let seconds = Int.random(in: 100_000...999_999)
      let (build, log) = try await HTTPAPI(server).built([
        "name": "slow", "timeoutSecs": "1",
        "zippedCode": try await Tree.inline(dockerfile: "FROM busybox\nRUN sleep \(seconds)\n", in: folder),
      ])
      #expect(build["status"] == "BUILD_STATUS_FAILED")
      #expect(build["error"].string?.contains("timed out after 1 s") == true, "\(build.text)")
      #expect(log.contains { $0.contains("timeout_secs") }, "\(log)")
      let processes = try await Tool("pgrep").run(["-f", "sleep \(seconds)"])
      #expect(processes.status == 1, "\(processes.all)")
      #expect(try Leftovers.of(server) == [])
    }
  }

  @Test("another organisation sees nothing of a build, at either door")
  func otherOrganization() async throws {
    try await withServer { server, folder in
      let context = try await Tree.inline(dockerfile: Tree.scratch, in: folder)
      let api = HTTPAPI(server)
      let (build, _) = try await api.built(["name": "mine", "zippedCode": context])
      let id = try #require(build["buildId"].string)
      let stranger = try await server.token(of: "acme")
      let other = HTTPAPI(server, token: stranger)
      for (method, path) in [
        ("GET", "/v1/ignite/builds/\(id)"), ("GET", "/v1/ignite/builds/\(id)/logs/stream?from_start=1"),
        ("POST", "/v1/ignite/builds/\(id)/cancel"), ("GET", "/_kindling/builds/\(id)/events"),
      ] {
        let answer = try await other.call(method, path)
        #expect(answer.status == 404 && answer.json["code"] == 5, "\(path): \(answer)")
        #expect(!answer.body.contains("mine"))
      }
      #expect(try await other.call("GET", "/v1/ignite/builds").json == [:])
      // Neither an id nor a cursor of others says anything.
      #expect(try await other.call("GET", "/v1/ignite/builds?cursor=\(id)").status == 400)
      _ = try await api.built(["name": "more", "zippedCode": context])
      let cursor = try await api.call("GET", "/v1/ignite/builds?limit=1").json["nextCursor"].string ?? ""
      #expect(try await api.call("GET", "/v1/ignite/builds?cursor=\(cursor)").json["builds"].array.count == 1)
      #expect(try await other.call("GET", "/v1/ignite/builds?cursor=\(cursor)").status == 400)
      #expect(try await api.call("GET", "/v1/ignite/builds?status=failed&cursor=\(cursor)").status == 400)
      let request: JSON = ["buildId": .string(id), "fromStart": true]
      let answers = try await Python.call(
        server,
        [
          ["rpc": "GetBuild", "requests": [["buildId": .string(id)]]],
          ["rpc": "StreamBuildLogs", "requests": [request]],
          ["rpc": "CancelBuild", "requests": [["buildId": .string(id)]]], ["rpc": "ListBuilds"],
          ["rpc": "UploadBuildContext", "requests": [["metadata": ["name": "theirs"]], ["chunk": context]]],
        ], token: stranger)
      #expect(answers.prefix(3).map(\.code) == ["NOT_FOUND", "NOT_FOUND", "NOT_FOUND"])
      #expect(answers[3].first == [:])
      // Nor may we use what they uploaded.
      let contextID = try #require(answers[4].first["contextId"].string)
      let stolen = try await api.call("POST", "/v1/ignite/builds", ["name": "x", "contextId": .string(contextID)])
      #expect(stolen.status == 404, "\(stolen)")
    }
  }

  @Test("whose tokens are believed is the server's choice")
  func modes() async throws {
    func part(_ text: String) -> String {
      Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
    let foreign = [#"{"alg":"none"}"#, #"{"sub":"s","organization":{"acme":{"id":"1"},"aaa":{"id":"2"}}}"#, "x"]
      .map(part).joined(separator: ".")
    for (mode, token, code) in [
      ("tokens", foreign, "UNAUTHENTICATED"), ("claims", foreign, "OK"), ("claims", "dev", "UNAUTHENTICATED"),
      ("claims", "", "UNAUTHENTICATED"), ("off", "", "OK"), ("off", "anything", "OK"),
    ] {
      try await withServer(["--auth", mode]) { server, folder in
        let request: JSON = ["name": "x", "zippedCode": try await Tree.inline(dockerfile: Tree.scratch, in: folder)]
        for door in Door.allCases {
          let refusal = Refusal(name: mode, request: request, code: code, words: [], token: token)
          let answer = try await create([refusal], server, door)[0]
          #expect(answer.code == code, "\(mode) \(door): \(answer)")
          guard let id = answer.build else { continue }
          let owner = mode == "off" ? "dev" : "acme"
          let api = HTTPAPI(server, token: token.isEmpty ? nil : token)
          #expect(try await api.ended(id).build["organizationName"] == .string(owner), "\(mode) \(door)")
        }
      }
    }
  }

  // MARK: - Both doors

  private struct Answer: CustomStringConvertible {
    var code: String
    var text: String
    var build: String?
    var description: String { "\(code) \(text)" }
  }

  private static let codes = [3: "INVALID_ARGUMENT", 5: "NOT_FOUND", 12: "UNIMPLEMENTED", 16: "UNAUTHENTICATED"]

  private func create(_ cases: [Refusal], _ server: ServerProcess, _ door: Door) async throws -> [Answer] {
    switch door {
    case .grpc:
      let calls = cases.map { refusal -> JSON in
        var call: JSON = ["rpc": "CreateBuild", "requests": [refusal.request]]
        if let token = refusal.token {
          call["metadata"] = token.isEmpty ? [:] : ["authorization": .string("Bearer " + token)]
        }
        return call
      }
      return try await Python.call(server, calls).map {
        Answer(code: $0.code, text: $0.details, build: $0.first["buildId"].string)
      }
    case .http:
      var answers: [Answer] = []
      for refusal in cases {
        let token = refusal.token.map { $0.isEmpty ? nil : $0 } ?? server.token
        let answer = try await HTTPAPI(server, token: token).call("POST", "/v1/ignite/builds", refusal.request)
        let code = answer.json["code"].number.flatMap { Self.codes[Int($0)] } ?? "OK"
        answers.append(
          Answer(code: code, text: answer.json["message"].string ?? answer.body, build: answer.json["buildId"].string))
      }
      return answers
    }
  }
}

/// Archives that no honest tool makes.
enum BadArchive {
  /// The first half of a good one.
  static func truncated(in folder: TemporaryFolder) async throws -> JSON {
    let noise = (0..<2_000).map { String($0 &* 2_654_435_761, radix: 36) }.joined()
    let path = try await Tree(["Dockerfile": Tree.scratch, "noise": noise], in: folder).packed(.gzip)
    let bytes = try Data(contentsOf: URL(filePath: path))
    return .string(bytes.prefix(bytes.count / 2).base64EncodedString())
  }

  /// One with an entry above its root.
  static func climbing(in folder: TemporaryFolder) async throws -> JSON {
    try folder.write("out", to: "climb/x")
    try folder.write(Tree.scratch, to: "climb/in/Dockerfile")
    let archive = folder.path("climb.tgz")
    let made = try await Tool("tar").run(["-P", "-czf", archive, "Dockerfile", "../x"], in: folder.path("climb/in"))
    guard made.status == 0 else { throw Tree.Unpacked(words: made.all) }
    return .string(try Data(contentsOf: URL(filePath: archive)).base64EncodedString())
  }
}
