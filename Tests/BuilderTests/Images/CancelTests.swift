import Foundation
import TestSupport
import Testing

@Suite("Builds at once and cancelled")
struct CancelTests {
  @Test("a cancelled build leaves no tag and no file")
  func cancel() async throws {
    try await Kitchen.run { kitchen in
      try kitchen.folder.write("FROM busybox\nRUN echo waiting; sleep 3600\n", to: "app/Dockerfile")
      let created = try await kitchen.server.kindling([
        "build", "create", "app", "--context", kitchen.folder.path("app"),
      ])
      let id = try #require(created.lines.last)
      let token = kitchen.server.token
      // The stream ends with the build; cancelling comes from its own line.
      let stream = try await kitchen.server.http("GET", "/v1/ignite/builds/\(id)", token: token)
      #expect(stream.status == 200)
      let script = """
        curl -sN -H 'Authorization: Bearer \(token)' \(kitchen.server.ready.http)/v1/ignite/builds/\(id)/logs |
          grep -m 1 -q waiting
        """
      #expect(try await Tool("/bin/sh").run(["-c", script]).status == 0)
      let cancelled = try await kitchen.server.kindling(["build", "cancel", id])
      #expect(cancelled.status == 0, "\(cancelled.all)")
      let tags = try await kitchen.server.http("GET", "/v2/dev/app/tags/list", token: token)
      #expect(tags.status == 404)
      #expect(try FileManager.default.contentsOfDirectory(atPath: kitchen.server.data + "/work") == [])
      let sleeping = try await Tool("/bin/sh").run(["-c", "ps -eo args | grep -c '[s]leep 3600'"])
      #expect(sleeping.output.isEmpty == false)
    }
  }

  @Test("two builds at once do not meet")
  func together() async throws {
    try await Kitchen.run { kitchen in
      async let one = kitchen.image("FROM busybox\nRUN echo one > /one; echo shared > /shared\n", name: "one")
      async let two = kitchen.image("FROM busybox\nRUN echo two > /two; echo shared > /shared\n", name: "two")
      let (first, second) = try await (one, two)
      #expect(try await first.layers[1].text("one") == "one\n")
      #expect(try await second.layers[1].text("two") == "two\n")
      #expect(first.layers[1].entries.count == second.layers[1].entries.count)
    }
  }
}
