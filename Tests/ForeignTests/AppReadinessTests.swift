import Foundation
import TestSupport
import Testing

/// Versions that do not become ready: what publishes them says so, and what answered before goes on as the active one.
@Suite("Apps: versions that do not become ready", .serialized) struct AppReadinessTests {
  @Test("the earlier version stays the active one, and every command says why")
  func warm() async throws {
    try await withServer { server, folder in
      let apps = AppWorkshop(server: server)
      try await apps.deploy("app", env: ["VERSION": "1"])
      #expect(try await apps.call("app").body.contains("hello from 1"))
      let refused = try await apps.deploying("app", user: "+0", env: ["VERSION": "2"])
      #expect(refused.status == 1 && refused.output.isEmpty, "\(refused.all)")
      for word in [
        "version 2 did not become ready", "CreateContainerConfigError", "version 1 still serves", "app logs",
      ] {
        #expect(refused.error.contains(word), "\(word): \(refused.all)")
      }
      #expect(!refused.error.contains("is published"), "\(refused.all)")
      let ill = try await apps.deploying("app", env: ["VERSION": "3", "MODE": "exit"], flags: ["-o", "json"])
      #expect(ill.status == 1, "\(ill.all)")
      let answer = try JSON(text: ill.output)
      #expect(answer["version"].number == 3 && answer["app"]["activeVersion"].number == 1, "\(ill.all)")
      #expect(answer["app"]["deploymentState"] == "DEPLOYMENT_STATE_FAILED", "\(ill.all)")
      #expect(ill.error.contains("exit status 7"), "\(ill.all)")

      let state = try await apps.state("app")
      #expect(state.state.hasSuffix("FAILED") && state.text.contains("version 1 still serves"), "\(state)")
      let listed = try await server.kindling(["version", "list", "app"]).output
      #expect(listed.contains("3  FAILED") && listed.contains("1  ACTIVE"), "\(listed)")
      #expect(try await server.kindling(["version", "test", "app", "3"]).status == 1)
      let back = try await server.kindling(["version", "rollback", "app", "3"])
      #expect(back.status != 0 && back.output.isEmpty && back.error.contains("exit status 7"), "\(back.all)")
      let root = try await server.kindling(["version", "rollback", "app", "2"])
      #expect(root.status == 1 && root.error.contains("CreateContainerConfigError"), "\(root.all)")
      #expect(try await apps.call("app").body.contains("hello from 1"))

      let retried = try await server.kindling(["version", "rollback", "app", "1"])
      #expect(retried.output == "version 1 is served\n", "\(retried.all)")
      #expect(try await apps.state("app").state.hasSuffix("ACTIVE"))
      let update = try await server.kindling([
        "app", "update", "app", "--health-path", "/nowhere", "--env", "HEALTH=404",
      ])
      #expect(update.status == 1 && update.error.contains("did not become ready"), "\(update.all)")
      #expect(try await apps.call("app").body.contains("hello from 1"))
    }
  }

  @Test("what can never start is FAILED as soon as it is published, and deploying it fails")
  func cold() async throws {
    try await withServer { server, _ in
      let apps = AppWorkshop(server: server)
      let root = try await apps.deploying("app", user: nil)
      #expect(root.status == 1 && root.output.isEmpty, "\(root.all)")
      #expect(root.error.contains("version 1 of dev:app did not become ready"), "\(root.all)")
      #expect(root.error.contains("image will run as root"), "\(root.all)")
      #expect(try await apps.state("app").state.hasSuffix("FAILED"))
      try await apps.deploy("app", env: ["VERSION": "2"])
      #expect(try await apps.call("app").body.contains("hello from 2"))
    }
  }

  @Test("of two apps with one host name the younger one's state says which has it; a name too long for one is refused")
  func names() async throws {
    try await withServer { server, _ in
      let long = try await server.kindling(["app", "create", String(repeating: "a", count: 60)])
      #expect(long.status == 2 && long.error.contains("at most 63"), "\(long.all)")
      try await server.kindling(["app", "create", "a-dot-b"]).expectSuccess()
      try await server.kindling(["app", "create", "a.b"]).expectSuccess()
      #expect(
        try await AppWorkshop(server: server).state("a.b").text.contains("a-dot-b-dev is that of app 'dev/a-dot-b'"))
    }
  }
}
