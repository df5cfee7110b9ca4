import Foundation
import TestSupport
import Testing

/// A server started with another platform's descriptors, called by grpcio with messages made from these alone.
@Suite("--protoset by grpcio") struct ProtosetTests {
  @Test("a client with other numbers calls every RPC; ours calls them beside it")
  func everyRPC() async throws {
    try await withTemporaryFolder { files in
      let set = files.path("set")
      try await withServer { server, _ in try await Python.protoset(of: server, to: set) }
      try await withServer(["--protoset", set]) { server, folder in
        try await server.importBusybox()
        let noise = (0..<60_000).map { String($0 &* 2_654_435_761, radix: 36) }.joined()
        let tree = try Tree(["build/Dockerfile": "FROM scratch\nARG MODE\nCOPY . /\n", "noise": noise], in: folder)
        let archive = try await tree.packed()
        let size = try #require(try FileManager.default.attributesOfItem(atPath: archive)[.size] as? Int)
        let waiting = try await Tree.inline(dockerfile: "FROM busybox\nRUN sleep 1000\n", in: folder)
        let answers = try await Python.call(
          server,
          [
            [
              "rpc": "UploadBuildContext",
              "requests": [
                [
                  "metadata": [
                    "name": "app", "contentType": "application/gzip", "expectedSizeBytes": .number(Double(size)),
                  ]
                ],
                ["@file": .string(archive), "@size": 65_536, "@field": "chunk"],
              ],
            ],
            [
              "rpc": "CreateBuild",
              "requests": [
                [
                  "name": "app", "dockerfile": "build/Dockerfile", "contextId": "${0.contextId}", "tags": ["a", "b"],
                  "buildArgs": ["MODE": "x"], "timeoutSecs": "90", "noCache": true, "buildTier": "small",
                  "registry": "r", "repository": "p/q", "priority": 3,
                ]
              ],
            ],
            ["rpc": "StreamBuildLogs", "requests": [["buildId": "${1.buildId}", "fromStart": true]]],
            ["rpc": "GetBuild", "requests": [["buildId": "${1.buildId}"]]],
            ["rpc": "ListBuilds", "requests": [["status": "BUILD_STATUS_SUCCEEDED", "limit": 1]]],
            ["rpc": "ListBuilds", "requests": [["status": "BUILD_STATUS_FAILED"]]],
            ["rpc": "ListBuilds", "requests": [["status": 3]]],
            ["rpc": "CreateBuild", "requests": [["name": "slow", "zippedCode": waiting]]],
            ["rpc": "CancelBuild", "requests": [["buildId": "${7.buildId}"]]],
            [
              "rpc": "SaveBuildSecrets",
              "requests": [
                [
                  "registryCredentials": ["ghcr.io": "u:t"], "gitCredentials": ["username": "u", "password": "p"],
                  "buildSecrets": ["A": "b"],
                ]
              ],
            ],
            [
              "rpc": "CreateBuild",
              "requests": [["name": "g", "gitSource": ["reference": "v1", "contextDir": "web"]]],
            ],
          ], protoset: set)
        let codes = answers.map(\.code)
        #expect(
          codes == ["OK", "OK", "OK", "OK", "OK", "OK", "INVALID_ARGUMENT", "OK", "OK", "OK", "INVALID_ARGUMENT"],
          "\(answers.map(\.all))")
        #expect(answers[0].first["sizeBytes"] == .string("\(size)"))
        #expect(answers[1].first["status"] == "BUILD_STATUS_PENDING")
        #expect(answers[2].messages.first == ["line": "queued"], "\(answers[2].all)")
        #expect(answers[2].messages.last?["line"].string?.hasPrefix("succeeded") == true, "\(answers[2].all)")
        let build = answers[3].first["build"]
        #expect(build["status"] == "BUILD_STATUS_SUCCEEDED" && build["tags"] == ["a", "b"], "\(build.text)")
        #expect(build["buildArgs"] == ["MODE": "x"] && build["metrics"]["layerCount"] == 1, "\(build.text)")
        #expect(build["organizationName"] == .null)
        #expect(answers[4].first["builds"] == [build])
        #expect(answers[5].messages == [[:]])
        #expect(answers[6].details.contains("'ListBuildsRequest.status'"), "\(answers[6].all)")
        #expect(answers[8].first == ["success": true, "status": "BUILD_STATUS_CANCELLED"])
        #expect(answers[9].first == ["success": true])
        #expect(answers[10].details.contains("git_source has no url"), "\(answers[10].all)")

        // HTTP has no numbers, and what it says is what the other door was told.
        let id = try #require(build["buildId"].string)
        let stored = try await HTTPAPI(server).call("GET", "/v1/ignite/builds/\(id)").json["build"]
        #expect(stored["timeoutSecs"] == "90" && stored["noCache"] == true, "\(stored.text)")
        #expect(stored["contextId"] == answers[0].first["contextId"] && stored["organizationName"] == "dev")

        // Reflection shows the numbers that are spoken, so what learns them there is right too.
        let learned = try await Python.call(server, [["rpc": "GetBuild", "requests": [["buildId": .string(id)]]]])
        #expect(learned[0].first["build"] == build, "\(learned[0].all)")

        let own = try await server.kindling(
          ["build", "upload", "--folder", tree.path, "--name", "own", "--api-endpoint", server.ready.grpc])
        #expect(own.status == 0 && own.output.contains("ctx_"), "\(own.all)")
        let got = try await server.kindling(["build", "get", id, "-o", "json"])
        #expect(got.output.contains("\"timeoutSecs\":\"90\""), "\(got.all)")
      }
    }
  }

  @Test("what is no set of descriptors keeps the server from starting")
  func refused() async throws {
    try await withTemporaryFolder { folder in
      try folder.write("hello", to: "noise")
      for (file, words) in [
        (folder.path("none"), ["cannot be read", "grpcurl -protoset-out"]),
        (folder.path("noise"), ["is not a set of descriptors", "grpcurl -protoset-out"]),
      ] {
        let result = try await Tool(ServerProcess.binary).run([
          "start", "--port", "0", "--grpc-port", "0", "--data-dir", folder.path("data"), "--protoset", file,
        ])
        #expect(result.status == 2, "\(result.all)")
        for word in words { #expect(result.all.contains(word), "\(result.all)") }
      }
    }
  }
}
