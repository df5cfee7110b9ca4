import Foundation
import TestSupport
import Testing

/// What goes wrong on demand, at the doors users use; a scripted builder makes the builds.
@Suite("Faults") struct FaultTests {
  @Test(
    "are off, are met at both doors as often as asked, by the organisation asked, and gone when cleared",
    arguments: Doors.allCases)
  func calls(door: Doors) async throws {
    try await withServer(["--builder", "scripted"]) { server, folder in
      let theirs = try await server.token(of: "acme")
      #expect(try await server.kindling(["faults", "ls"]).output == "no faults are on\n")
      #expect(try await door.call(server, [.init(rpc: "ListBuilds")])[0].code == "OK")
      try await server.kindling([
        "faults", "set", "ListBuilds", "--code", "PERMISSION_DENIED", "--message", "not today", "--count", "2",
        "--org", "dev",
      ]).expectSuccess()
      let status = try await server.kindling(["status"])
      #expect(status.status == 0 && status.output.contains("1 fault is on"), "\(status.all)")
      let other = try await door.call(server, [.init(rpc: "ListBuilds", token: theirs)])[0]
      #expect(other.code == "OK", "\(other)")
      for _ in 1...2 {
        let answer = try await door.call(server, [.init(rpc: "ListBuilds")])[0]
        #expect(answer.code == "PERMISSION_DENIED" && answer.text.contains("fault injected: not today"), "\(answer)")
      }
      #expect(try await door.call(server, [.init(rpc: "ListBuilds")])[0].code == "OK")
      try await server.kindling(["faults", "set", "getbuild", "--code", "NOT_FOUND"]).expectSuccess()
      #expect(
        try await door.call(server, [.init(rpc: "GetBuild", requests: [["buildId": "x"]])])[0].text.contains("fault"))
      #expect(try await server.kindling(["faults", "clear"]).output == "no faults are on\n")
      let after = try await door.call(server, [.init(rpc: "GetBuild", requests: [["buildId": "x"]])])[0]
      #expect(!after.text.contains("fault"), "\(after)")
      for words in [
        ["set", "nowhere"], ["set", "CreateBuild", "--code", "FINE"], ["set", "log", "--code", "NOT_FOUND"],
      ] {
        #expect(try await server.kindling(["faults"] + words).status == 2, "\(words)")
      }
    }
  }

  @Test("keep builds PENDING until cleared, refuse pushes, delay logs, and stand in the build's own log")
  func builds() async throws {
    try await withServer(["--builder", "scripted"]) { server, folder in
      let api = HTTPAPI(server)
      let order: JSON = ["name": "app", "zippedCode": try await Tree.inline(dockerfile: Tree.scratch, in: folder)]
      try await server.kindling(["faults", "set", "pending", "--count", "1"]).expectSuccess()
      let stuck = try await api.create(order)
      let (passed, _) = try await api.built(order)
      #expect(passed["status"] == "BUILD_STATUS_SUCCEEDED", "\(passed.text)")
      #expect(try await api.call("GET", "/v1/ignite/builds/\(stuck)").json["build"]["status"] == "BUILD_STATUS_PENDING")
      try await server.kindling(["faults", "set", "push", "--message", "disk of the registry is full"]).expectSuccess()
      try await server.kindling(["faults", "clear", "pending"]).expectSuccess()
      let (failed, log) = try await api.ended(stuck)
      #expect(failed["status"] == "BUILD_STATUS_FAILED", "\(log)")
      #expect(
        failed["error"].string?.contains("fault injected: disk of the registry is full") == true, "\(failed.text)")
      #expect(log.contains { $0.contains("fault injected: the build stays PENDING") }, "\(log)")
      // A stuck build can be cancelled, and stays it.
      try await server.kindling(["faults", "clear"]).expectSuccess()
      try await server.kindling(["faults", "set", "pending"]).expectSuccess()
      let cancelled = try await api.create(order)
      _ = try await api.call("POST", "/v1/ignite/builds/\(cancelled)/cancel", [:])
      try await server.kindling(["faults", "clear"]).expectSuccess()
      #expect(try await api.ended(cancelled).build["status"] == "BUILD_STATUS_CANCELLED")
      // Each line of a log comes late, and all of it.
      try await server.kindling(["faults", "set", "log", "--delay-ms", "300", "--count", "3"]).expectSuccess()
      let began = ContinuousClock.now
      #expect(try await api.ended(stuck).log == log)
      #expect(began.duration(to: .now) >= .milliseconds(900))
      // Registry clients are sent away as they are by registries.
      let before = try await api.call("GET", "/v2/dev/app/manifests/latest")
      #expect(before.status == 200, "\(before)")
      try await server.kindling(["faults", "set", "registry-pull", "--count", "1"]).expectSuccess()
      let refused = try await api.call("GET", "/v2/dev/app/manifests/latest")
      #expect(refused.status == 401 && refused.head.lowercased().contains("www-authenticate:"), "\(refused.head)")
      #expect(try await api.call("GET", "/v2/dev/app/manifests/latest").status == 200)
      // A reset takes them away too.
      try await server.kindling(["faults", "set", "GetBuild"]).expectSuccess()
      try await server.kindling(["reset", "--yes"]).expectSuccess()
      #expect(try await server.kindling(["faults", "ls"]).output == "no faults are on\n")
    }
  }

  @Test("of clones and pulls fail real builds with their words", .enabled(if: geteuid() == 0))
  func sources() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      let api = HTTPAPI(server)
      try await server.kindling(["faults", "set", "clone", "--message", "remote hung up"]).expectSuccess()
      try await server.kindling(["faults", "set", "pull", "--count", "1"]).expectSuccess()
      let git: JSON = ["name": "app", "gitSource": ["url": "http://127.0.0.1:1/app.git"]]
      let (cloned, _) = try await api.built(git)
      #expect(cloned["error"].string?.contains("fault injected: remote hung up") == true, "\(cloned.text)")
      let based: JSON = [
        "name": "app", "zippedCode": try await Tree.inline(dockerfile: "FROM busybox\nCOPY . /\n", in: folder),
      ]
      let (pulled, _) = try await api.built(based)
      #expect(pulled["error"].string?.contains("fault injected: pull answers UNAVAILABLE") == true, "\(pulled.text)")
      #expect(try await api.built(based).build["status"] == "BUILD_STATUS_SUCCEEDED")
    }
  }
}
