import Foundation
import TestSupport
import Testing

/// CancelBuild while a build waits for servers of others; waiting in the line is in `QueueTests`, git in
/// `GitFailureTests`.
@Suite("cancel") struct CancelWaitTests {
  @Test("a build whose base comes from a registry that has gone silent is cancelled, and so is one that timed out")
  func pulling() async throws {
    let stall = try StallServer()
    try await withServer { server, folder in
      let api = HTTPAPI(server)
      let archive = try await Tree.inline(dockerfile: "FROM 127.0.0.1:\(stall.port)/acme/base:1\n", in: folder)
      let id = try await api.create(["name": "app", "zippedCode": archive])
      let connection = try await stall.asked()
      try await cancelled(id, api)
      await connection.gone()
      let slow = try await api.create(["name": "app", "zippedCode": archive, "timeoutSecs": "1"])
      let again = try await stall.asked()
      let (build, log) = try await api.ended(slow)
      #expect(build["error"].string?.hasPrefix("timed out after 1 s") == true, "\(log)")
      await again.gone()
      #expect(try await Leftovers.tags(of: "app", server) == nil)
      #expect(try Leftovers.of(server) == [])
    }
  }

  @Test("a build that sends its image to another registry is cancelled until that is done, and no tag moves here")
  func pushing() async throws {
    let stall = try StallServer()
    try await withServer(["--push-external"]) { server, folder in
      let api = HTTPAPI(server)
      let tree = try Tree(["Dockerfile": Tree.scratch, "a": "1"], in: folder)
      let (before, _) = try await api.built(["name": "app", "zippedCode": try await tree.inline()])
      #expect(before["status"] == "BUILD_STATUS_SUCCEEDED", "\(before.text)")
      let held = try await tag(server)
      try folder.write("2", to: tree.name + "/a")
      var order: JSON = [
        "name": "app", "zippedCode": try await tree.inline(), "registry": .string("http://127.0.0.1:\(stall.port)"),
        "repository": "out/app",
      ]
      let id = try await api.create(order)
      let connection = try await stall.asked()
      try await cancelled(id, api)
      await connection.gone()
      order["timeoutSecs"] = "1"
      let late = try await api.create(order)
      let again = try await stall.asked()
      let (build, log) = try await api.ended(late)
      #expect(build["status"] == "BUILD_STATUS_FAILED", "\(log)")
      #expect(build["error"].string?.contains("timed out after 1 s") == true, "\(build.text)")
      await again.gone()
      #expect(try await tag(server) == held)
    }
  }

  @Test("a build that has ended says that it is too late, in every way it can have ended")
  func tooLate() async throws {
    try await withServer { server, folder in
      let api = HTTPAPI(server)
      let good = try await api.built([
        "name": "good", "zippedCode": try await Tree.inline(dockerfile: Tree.scratch, in: folder),
      ]).build
      let bad = try await api.built([
        "name": "bad", "zippedCode": try await Tree.inline(dockerfile: "FRM scratch\n", in: folder),
      ]).build
      for (build, word) in [(good, "succeeded"), (bad, "failed")] {
        let answer = try await api.call("POST", "/v1/ignite/builds/\(build["buildId"].string ?? "")/cancel", [:])
        #expect(answer.status == 400 && answer.json["code"] == 9, "\(answer)")
        #expect(answer.json["message"].string?.contains("already \(word)") == true, "\(answer)")
        let after = try await api.call("GET", "/v1/ignite/builds/\(build["buildId"].string ?? "")")
        #expect(after.json["build"] == build)
      }
      #expect(try await Leftovers.tags(of: "good", server) == ["latest"])
    }
  }

  /// However the race ends, ledger, log, answer and tags tell the same.
  @Test("a build cancelled at any moment is either whole or has left nothing")
  func anyMoment() async throws {
    try await withServer(["--workers", "4"]) { server, folder in
      let api = HTTPAPI(server)
      let archive = try await Tree.inline(dockerfile: Tree.scratch, in: folder)
      for number in 0..<12 {
        let id = try await api.create(["name": "race\(number)", "zippedCode": archive])
        // From at once to about when it ends.
        try await Task.sleep(for: .milliseconds(number * 8))
        let answer = try await api.call("POST", "/v1/ignite/builds/\(id)/cancel", [:])
        let (build, log) = try await api.ended(id)
        let hasTag = try await Leftovers.tags(of: "race\(number)", server) == ["latest"]
        if answer.status == 200 {
          #expect(build["status"] == "BUILD_STATUS_CANCELLED" && log.last == "cancelled" && !hasTag, "\(build.text)")
        } else {
          #expect(answer.json["code"] == 9, "\(answer)")
          #expect(build["status"] == "BUILD_STATUS_SUCCEEDED" && hasTag, "\(build.text) \(log)")
        }
      }
      #expect(try Leftovers.of(server) == [])
    }
  }

  private func tag(_ server: ServerProcess) async throws -> String? {
    let answer = try await server.http("HEAD", "/v2/dev/app/manifests/latest", token: server.token)
    return answer.head.split(separator: "\n").first { $0.lowercased().hasPrefix("docker-content-digest") }.map(
      String.init)
  }

  private func cancelled(_ id: String, _ api: HTTPAPI) async throws {
    let answer = try await api.call("POST", "/v1/ignite/builds/\(id)/cancel", [:])
    #expect(answer.json["status"] == "BUILD_STATUS_CANCELLED", "\(answer)")
    let (build, log) = try await api.ended(id)
    #expect(build["status"] == "BUILD_STATUS_CANCELLED" && log.last == "cancelled", "\(build.text) \(log)")
  }
}
