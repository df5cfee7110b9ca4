import Foundation
import TestSupport
import Testing

@Suite("Builds at once and cancelled")
struct CancelTests {
  @Test("a cancelled build leaves no tag and no file")
  func cancel() async throws {
    try await Kitchen.run { kitchen in
      try kitchen.folder.write("FROM busybox\nRUN echo waiting; exec sleep 3600\n", to: "app/Dockerfile")
      let created = try await kitchen.server.kindling([
        "build", "create", "app", "--context", kitchen.folder.path("app"),
      ])
      let id = try #require(created.lines.last)
      let token = kitchen.server.token
      let script = """
        curl -sN -H 'Authorization: Bearer \(token)' \(kitchen.server.ready.http)/v1/ignite/builds/\(id)/logs/stream?from_start=true |
          grep -m 1 -q waiting
        """
      #expect(try await Tool("/bin/sh").run(["-c", script]).status == 0)
      let cancelled = try await kitchen.server.kindling(["build", "cancel", id])
      #expect(cancelled.status == 0, "\(cancelled.all)")
      let tags = try await kitchen.server.http("GET", "/v2/dev/app/tags/list", token: token)
      #expect(tags.status == 404)
      let left = FileManager.default.enumerator(atPath: kitchen.server.data + "/work")?.allObjects.map { "\($0)" }
      #expect(left == ["uploads"])
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
