import Foundation
import TestSupport
import Testing

/// The contract's service as a stranger meets it: Python's grpcio, descriptors by reflection.
@Suite("gRPC by reflection") struct GRPCTests {
  @Test("both reflection versions list the same services, and health says SERVING")
  func reflection() async throws {
    try await withServer { server, _ in
      let answers = try await Python.call(
        server,
        [
          ["rpc": "services-v1"], ["rpc": "services-v1alpha"], ["rpc": "grpc.health.v1.Health/Check", "metadata": [:]],
          [
            "rpc": "grpc.health.v1.Health/Check", "metadata": [:],
            "requests": [["service": "dodil.ignite.v1.BuildService"]],
          ],
          ["rpc": "grpc.health.v1.Health/Check", "metadata": [:], "requests": [["service": "nobody"]]],
        ])
      let names = answers[0].messages.compactMap { $0["name"].string }.sorted()
      #expect(
        names == [
          "dodil.ignite.v1.BuildService", "dodil.ignite.v1.ComputeService", "dodil.ignite.v1.SecretService",
          "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
        ])
      #expect(answers[1].messages.compactMap { $0["name"].string }.sorted() == names)
      #expect(answers[2].first["status"] == "SERVING")
      #expect(answers[3].first["status"] == "SERVING")
      #expect(answers[4].code == "NOT_FOUND")
    }
  }

  @Test("an inline context becomes an image, whichever way it is packed", arguments: Tree.Form.allCases)
  func inline(_ form: Tree.Form) async throws {
    try await withServer { server, folder in
      let tree = try Tree(["Dockerfile": "FROM scratch\nCOPY . /app/\n", "hello.txt": "hello"], in: folder)
      let answers = try await Python.call(
        server,
        [
          [
            "rpc": "CreateBuild",
            "requests": [["name": "greeter", "tags": ["v1", "v2"], "zipped_code": try await tree.inline(form)]],
          ], Self.logs, Self.get,
        ])
      #expect(answers.map(\.code) == ["OK", "OK", "OK"])
      #expect(answers[0].first["status"] == "BUILD_STATUS_PENDING")
      let build = answers[2].first["build"]
      #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(answers[1].all)")
      let host = server.ready.registry
      #expect(
        build["imageRefs"] == [.string("\(host)/dev/greeter:v1"), .string("\(host)/dev/greeter:v2")])
      #expect(build["metrics"]["layerCount"] == 1)
      #expect(Int(build["metrics"]["imageSizeBytes"].string ?? "") ?? 0 > 0)
      #expect(build["organizationName"] == "dev")
      #expect(answers[1].messages.first?["line"] == "queued")
      let log = answers[1].messages.compactMap { $0["line"].string }
      #expect(log.contains { $0.hasPrefix("image: \(host)/dev/greeter:v1@sha256:") }, "\(log)")
      #expect(log.last?.hasPrefix("succeeded in ") == true, "\(log)")
      #expect(answers[1].messages.allSatisfy { Int64($0["timestampMs"].string ?? "") ?? 0 > 1_700_000_000_000 })
    }
  }

  @Test("an uploaded context serves several builds")
  func upload() async throws {
    try await withServer { server, folder in
      let noise = (0..<40_000).map { String($0 &* 2_654_435_761, radix: 36) }.joined()
      let tree = try Tree(["Dockerfile": Tree.scratch, "noise": noise], in: folder)
      let archive = try await tree.packed(.tar)
      let size = try Data(contentsOf: URL(filePath: archive)).count
      let pieces: JSON = ["@file": .string(archive), "@size": 65_536, "@field": "chunk"]
      let build: JSON = [
        "rpc": "CreateBuild", "requests": [["name": "big", "contextId": "${0.contextId}"]],
      ]
      let answers = try await Python.call(
        server,
        [
          [
            "rpc": "UploadBuildContext",
            "requests": [
              [
                "metadata": [
                  "name": "big", "content_type": "application/x-tar", "expected_size_bytes": .string("\(size)"),
                ]
              ],
              pieces,
            ],
          ], build,
          ["rpc": "StreamBuildLogs", "requests": [["build_id": "${1.buildId}", "from_start": true]]],
          ["rpc": "GetBuild", "requests": [["build_id": "${1.buildId}"]]], build,
          ["rpc": "StreamBuildLogs", "requests": [["build_id": "${4.buildId}", "from_start": true]]],
          ["rpc": "GetBuild", "requests": [["build_id": "${4.buildId}"]]],
        ])
      #expect(answers[0].first["sizeBytes"] == .string("\(size)"), "\(answers[0].all)")
      #expect(answers[0].first["contextId"].string?.hasPrefix("ctx_") == true)
      for answer in [answers[3], answers[6]] {
        #expect(answer.first["build"]["status"] == "BUILD_STATUS_SUCCEEDED", "\(answer.all)")
        #expect(answer.first["build"]["contextId"] == answers[0].first["contextId"])
      }
      #expect(answers[6].first["build"]["metrics"]["cacheUsed"] == true)
    }
  }

  @Test("uploads out of order are refused and nothing of them stays")
  func badUploads() async throws {
    try await withServer { server, folder in
      let metadata: JSON = ["metadata": ["name": "x"]]
      let chunk: JSON = ["chunk": "aGVsbG8="]
      let cases: [([JSON], String)] = [
        ([chunk, metadata], "metadata"), ([metadata, metadata, chunk], "metadata"), ([metadata], "byte"),
        ([], "metadata"),
        ([["metadata": ["content_type": "application/gzip"]], chunk], "name"),
        ([["metadata": ["name": "x", "expected_size_bytes": "7"]], chunk], "7"), ([metadata, [:]], "chunk"),
      ]
      let answers = try await Python.call(
        server, cases.map { ["rpc": "UploadBuildContext", "requests": .array($0.0)] })
      for (answer, (requests, word)) in zip(answers, cases) {
        #expect(answer.code == "INVALID_ARGUMENT", "\(requests): \(answer.all)")
        #expect(answer.details.contains(word), "\(requests): \(answer.all)")
      }
      #expect(try Leftovers.of(server) == [])
      #expect(try FileManager.default.subpathsOfDirectory(atPath: server.data + "/contexts").isEmpty)
    }
  }

  @Test("an upload that its client cuts off leaves nothing")
  func cutUpload() async throws {
    try await withTemporaryFolder { folder in
      let server = try await ServerProcess(data: folder.path("data"))
      try folder.write(String(repeating: "noise", count: 200_000), to: "noise")
      let pieces: JSON = ["@file": .string(folder.path("noise")), "@size": 100_000, "@field": "chunk"]
      let call: JSON = ["rpc": "UploadBuildContext", "cut": true, "requests": [["metadata": ["name": "x"]], pieces]]
      let answers = try await Python.call(server, [call, ["rpc": "ListBuilds"]])
      #expect(answers.map(\.code) == ["CUT", "OK"])
      // The server has dealt with every call once it has stopped.
      #expect(await server.stop() == 0)
      #expect(try Leftovers.of(server) == [])
      #expect(try FileManager.default.subpathsOfDirectory(atPath: server.data + "/contexts").isEmpty)
    }
  }

  @Test("either port takes either protocol")
  func oneDoor() async throws {
    try await withServer { server, _ in
      let main = try #require(server.ready.http.split(separator: "/").last)
      let answers = try await Python.call(
        server, [["rpc": "services-v1"], ["rpc": "ListBuilds"]], address: String(main))
      #expect(answers.map(\.code) == ["OK", "OK"])
      let http = try await Curl(server).call("GET", "http://\(server.ready.grpc)/readyz")
      #expect(http.status == 200, "\(http)")
    }
  }

  @Test("builds are listed newest first, by status, in pages that stay the same while new builds come")
  func pages() async throws {
    try await withServer { server, folder in
      let good = try await Tree(["Dockerfile": Tree.scratch], in: folder).inline()
      let bad = try await Tree(["Dockerfile": "FROM nothing\n"], in: folder).inline()
      var calls: [JSON] = []
      for index in 0..<5 {
        calls.append([
          "rpc": "CreateBuild", "requests": [["name": "n\(index)", "zippedCode": index == 2 ? bad : good]],
        ])
        calls.append([
          "rpc": "StreamBuildLogs", "requests": [["buildId": "${\(index * 2).buildId}", "fromStart": true]],
        ])
      }
      calls += [
        ["rpc": "ListBuilds", "requests": [["limit": 2]]],
        ["rpc": "CreateBuild", "requests": [["name": "late", "zippedCode": good]]],
        ["rpc": "StreamBuildLogs", "requests": [["buildId": "${11.buildId}", "fromStart": true]]],
        ["rpc": "ListBuilds", "requests": [["limit": 2, "cursor": "${10.nextCursor}"]]],
        ["rpc": "ListBuilds", "requests": [["limit": 2, "cursor": "${13.nextCursor}"]]],
        ["rpc": "ListBuilds", "requests": [["status": "BUILD_STATUS_FAILED"]]],
        ["rpc": "ListBuilds", "requests": [["status": "BUILD_STATUS_RUNNING"]]],
        ["rpc": "ListBuilds", "requests": [["cursor": "elsewhere"]]],
        ["rpc": "ListBuilds", "requests": [["status": 77]]],
      ]
      let answers = try await Python.call(server, calls)
      let names = answers.dropFirst(10).map { $0.first["builds"].array.compactMap { $0["name"].string } }
      #expect(names[0] == ["n4", "n3"])
      #expect(names[3] == ["n2", "n1"])
      #expect(names[4] == ["n0"])
      #expect(answers[14].first["nextCursor"] == .null)
      #expect(names[5] == ["n2"])
      #expect(names[6] == [])
      #expect(answers[17].code == "INVALID_ARGUMENT")
      #expect(answers[18].code == "INVALID_ARGUMENT", "\(answers[18].all)")
    }
  }

  @Test("a running build's log is followed live, and cancelling ends build and log at once")
  func cancel() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      // What is looked for in the log must not stand in the instruction, which is in the log too.
      let context = try await Tree.inline(
        dockerfile: "FROM busybox\nRUN printf 'be%s\\n' gun; while sleep 0.1; do echo tick; done\n", in: folder)
      let began = ContinuousClock.now
      let answers = try await Python.call(
        server,
        [
          ["rpc": "CreateBuild", "requests": [["name": "sleeper", "zippedCode": context]]],
          [
            "rpc": "StreamBuildLogs", "requests": [["buildId": "${0.buildId}", "fromStart": true]],
            "on": [
              "text": " begun",
              // The second stream begins now: what was said before is not repeated.
              "call": [
                "rpc": "StreamBuildLogs", "requests": [["buildId": "${0.buildId}"]],
                "on": [
                  "text": " tick", "call": ["rpc": "CancelBuild", "requests": [["buildId": "${0.buildId}"]]],
                ],
              ],
            ],
          ], ["rpc": "GetBuild", "requests": [["buildId": "${0.buildId}"]]],
          ["rpc": "CancelBuild", "requests": [["buildId": "${0.buildId}"]]],
          ["rpc": "StreamBuildLogs", "requests": [["buildId": "${0.buildId}"]]],
        ])
      let live = try #require(answers[1].then?.first)
      let cancelled = try #require(live.then?.first)
      #expect(cancelled.first == ["success": true, "status": "BUILD_STATUS_CANCELLED"], "\(cancelled.all)")
      #expect(began.duration(to: .now) < .seconds(60))
      let lines = live.messages.compactMap { $0["line"].string }
      #expect(lines.last == "cancelled", "\(lines)")
      #expect(!lines.contains { $0.hasSuffix(" begun") || $0 == "queued" }, "\(lines)")
      #expect(answers[1].messages.last?["line"] == "cancelled")
      #expect(answers[2].first["build"]["status"] == "BUILD_STATUS_CANCELLED")
      #expect(answers[3].code == "FAILED_PRECONDITION")
      #expect(answers[4].code == "OK" && answers[4].messages.isEmpty, "\(answers[4].all)")
      #expect(try Leftovers.of(server) == [])
      #expect(try await Leftovers.tags(of: "sleeper", server) == nil)
    }
  }

  @Test("secrets are taken and stand nowhere in the clear")
  func secrets() async throws {
    try await withServer { server, _ in
      let secret = "kindling-canary-\(UUID().uuidString)"
      let answers = try await Python.call(
        server,
        [
          [
            "rpc": "SaveBuildSecrets",
            "requests": [
              [
                "registry_credentials": ["https://index.docker.io/v1/": .string("user:\(secret)")],
                "git_credentials": ["username": "u", "password": .string(secret)],
                "build_secrets": ["NPM_TOKEN": .string(secret)],
              ]
            ],
          ], ["rpc": "SaveBuildSecrets", "requests": [["build_secrets": ["NPM_TOKEN": .string(secret + "2")]]]],
        ])
      #expect(answers.map(\.first) == [["success": true], ["success": true]], "\(answers)")
      let found = try await Tool("grep").run(["-rl", secret, server.data])
      #expect(found.status == 1, "\(found.all)")
    }
  }

  @Test("an RPC that is not there is UNIMPLEMENTED, with and without its service")
  func unknown() async throws {
    try await withServer { server, _ in
      let answers = try await Python.call(
        server,
        [
          ["rpc": "dodil.ignite.v1.BuildService/EatBuild", "raw": true],
          ["rpc": "dodil.ignite.v1.NoService/Do", "raw": true],
        ])
      #expect(answers.map(\.code) == ["UNIMPLEMENTED", "UNIMPLEMENTED"])
    }
  }

  private static let logs: JSON = [
    "rpc": "StreamBuildLogs", "requests": [["build_id": "${0.buildId}", "from_start": true]],
  ]
  private static let get: JSON = ["rpc": "GetBuild", "requests": [["build_id": "${0.buildId}"]]]
}
