import Foundation
import TestSupport
import Testing

/// Apps that break the container contract, or behave as badly as they can: each ends in a state and words that tell its
/// author what to change, while the server and the app beside it go on.
@Suite("Hostile apps", .serialized, .timeLimit(.minutes(5))) struct HostileAppTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var app: String
    var user: String? = "65532"
    var env: [String: String] = [:]
    var reason: String
    var words: [String]
    var testDescription: String { app }
  }

  private static let cases = [
    Case(
      app: "elsewhere", env: ["MODE": "port"], reason: "app-not-listening",
      words: ["nothing listens on port 80", "but something does on port 1080", "PORT"]),
    Case(
      app: "leaves", env: ["MODE": "exit"], reason: "app-exited",
      words: ["exit status 7 before it was ready", "configuration file is missing"]),
    Case(app: "ill", env: ["HEALTH": "500"], reason: "app-not-healthy", words: ["GET /healthz on port 80 with 500"]),
    Case(
      app: "nowhere", env: ["HEALTH": "404"], reason: "app-not-healthy",
      words: ["GET /healthz on port 80 with 404", "health_path", "is the default"]),
    Case(app: "deaf", env: ["MODE": "deaf"], reason: "app-silent", words: ["did not answer GET /healthz"]),
    Case(app: "named", user: "node", reason: "user-not-numeric", words: ["CreateContainerConfigError", "USER 1000"]),
    Case(app: "rooted", user: "0", reason: "user-root", words: ["USER 1000"]),
  ]

  @Test("what cannot start is told to its caller and in its state, while another app answers")
  func starting() async throws {
    try await withServer { server, _ in
      let apps = AppWorkshop(server: server)
      try await apps.deploy("good", env: ["VERSION": "good"])
      for given in Self.cases {
        let deployed = try await apps.deploying(given.app, user: given.user, env: given.env)
        // What the image alone tells is told at once.
        #expect(deployed.status == (given.reason.hasPrefix("user-") ? 1 : 0), "\(deployed.all)")
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for given in Self.cases {
          group.addTask {
            let answer = try await apps.call(given.app)
            #expect(answer.status == 503, "\(given.app): \(answer)")
            #expect(answer.reason == given.reason, "\(given.app): \(answer)")
            for word in given.words { #expect(answer.body.contains(word), "\(given.app): \(answer)") }
            let state = try await apps.state(given.app)
            #expect(state.state.hasSuffix("FAILED"), "\(given.app): \(state)")
            for word in given.words.prefix(1) { #expect(state.text.contains(word), "\(given.app): \(state)") }
          }
        }
        group.addTask {
          for _ in 0..<20 {
            let answer = try await apps.call("good")
            #expect(answer.status == 200 && answer.body.contains("hello from good"), "\(answer)")
          }
        }
        try await group.waitForAll()
      }
      #expect(try await apps.call("good").status == 200)
    }
  }

  @Test("what misbehaves when it is called hurts itself alone")
  func running() async throws {
    try await withServer { server, _ in
      let apps = AppWorkshop(server: server)
      try await apps.deploy("good", env: ["VERSION": "good"])
      try await apps.deploy("bad", env: ["VERSION": "bad"], flags: ["--tier", "small"])
      func stillGood(_ after: String) async throws {
        let answer = try await apps.call("good", seconds: 10)
        #expect(answer.status == 200 && answer.body.contains("hello from good"), "after \(after): \(answer)")
      }

      let outside = try await apps.call("bad", "/write?path=/probe")
      #expect(outside.status == 500 && outside.body.contains("Read-only file system"), "\(outside)")
      let home = try await apps.call("bad", "/write?path=/tmp/ignite/probe")
      #expect(home.status == 200 && home.body.contains("written"), "\(home)")

      let garbage = try await apps.call("bad", "/garbage")
      #expect(garbage.status == 502 && garbage.body.contains("not HTTP"), "\(garbage)")
      let header = try await apps.call("bad", "/endless-header?mb=1024")
      #expect(header.status == 502 && header.body.contains("64 KiB"), "\(header)")
      let cut = try await apps.call("bad", "/cut")
      #expect(cut.curl != 0, "an answer that breaks off does not look whole: \(cut)")
      let endless = try await Tool("curl").run([
        "-s", "-m", "3", "-o", "/dev/null", "-H", "Host: \(apps.host("bad"))", server.ready.http + "/endless-body",
      ])
      #expect(endless.status == 28, "it streams until its caller goes")
      try await stillGood("endless answers")

      let memory = try await apps.call("bad", "/eat?mb=4096")
      #expect(memory.status == 502, "\(memory)")
      try await stillGood("eating memory")
      // Its state says so until the next replica is ready, which may be by now; its log keeps it. The kernel closes the
      // connections of what it kills before the replica's end can be known.
      var log = ""
      while !log.contains("used more than 256 MiB of memory") {
        log = try await server.kindling(["app", "logs", "bad"]).all
      }
      let again = try await apps.call("bad")
      #expect(again.status == 200 && again.body.contains("hello from bad"), "\(again)")

      let forks = try await apps.call("bad", "/fork")
      #expect(forks.body.contains("processes, then Resource temporarily unavailable"), "\(forks)")
      try await stillGood("forking")
      #expect(try await server.kindling(["app", "delete", "bad"]).status == 0)
      try await stillGood("deleting")
      #expect(try await apps.call("bad").status != 200)
    }
  }

  @Test("one that ignores its stop signal is replaced at once and killed in the end")
  func stubborn() async throws {
    try await withServer { server, _ in
      let apps = AppWorkshop(server: server)
      try await apps.deploy("bad", env: ["MODE": "stubborn", "VERSION": "1"])
      #expect(try await apps.call("bad").status == 200)
      let before = try apps.processes()
      #expect(before > 0)
      try await apps.deploy("bad", env: ["VERSION": "2"])
      #expect(try await apps.call("bad").body.contains("hello from 2"))
      #expect(try await server.kindling(["app", "delete", "bad"]).status == 0)
      #expect(try apps.processes() == 0)
    }
  }
}
