import Foundation
import TestSupport
import Testing

@Suite("Stages at once")
struct StageTests {
  /// Each of the two stages ends only when the other has begun.
  static let meeting = """
    FROM busybox AS one
    RUN --mount=type=cache,id=meeting,target=/m touch /m/one; until [ -e /m/two ]; do :; done; echo 1 > /one
    FROM busybox AS two
    RUN --mount=type=cache,id=meeting,target=/m touch /m/two; until [ -e /m/one ]; do :; done; echo 2 > /two
    FROM scratch
    COPY --from=two /two /
    COPY --from=one /one /
    """

  @Test("stages that need nothing of each other run together, and the image does not show it")
  func together() async throws {
    try await Kitchen.run { kitchen in
      let image = try await kitchen.image(Self.meeting)
      #expect(image.layers.map(\.entries) == [["-rw-r--r-- 0/0 two"], ["-rw-r--r-- 0/0 one"]])
      #expect(try await image.layers[0].text("two") == "2\n")
    }
  }

  @Test("the first failure stops the other stages and is the one told")
  func failure() async throws {
    try await Kitchen.run { kitchen in
      let built = try await kitchen.build(
        """
        FROM busybox AS slow
        RUN --mount=type=cache,id=m,target=/m touch /m/slow; exec sleep 36001
        FROM busybox AS broken
        RUN --mount=type=cache,id=m,target=/m until [ -e /m/slow ]; do :; done; exit 7
        FROM scratch
        COPY --from=slow / /
        COPY --from=broken / /
        """)
      #expect(!built.succeeded)
      #expect(built.log.contains("exit status 7"), "\(built.log)")
      #expect(built.log.contains("#1 cancelled"), "\(built.log)")
      #expect(built.log.contains("#2 failed"), "\(built.log)")
      expectNothingLeft(kitchen, of: "36001")
    }
  }

  @Test("a cancelled build stops the commands of all its stages within a second")
  func cancel() async throws {
    try await Kitchen.run { kitchen in
      try kitchen.folder.write(
        """
        FROM busybox AS one
        RUN echo waiting; exec sleep 36002
        FROM busybox AS two
        RUN echo waiting too; exec sleep 36002
        FROM scratch
        COPY --from=one / /
        COPY --from=two / /
        """, to: "app/Dockerfile")
      let created = try await kitchen.server.kindling([
        "build", "create", "app", "--context", kitchen.folder.path("app"),
      ])
      let id = try #require(created.lines.last)
      let script = """
        curl -sN -H 'Authorization: Bearer \(kitchen.server.token)' \
          \(kitchen.server.ready.http)/v1/ignite/builds/\(id)/logs/stream?from_start=true |
          grep -m 2 -c waiting | grep -q 2
        """
      #expect(try await Tool("/bin/sh").run(["-c", script]).status == 0)
      let clock = ContinuousClock()
      let began = clock.now
      let cancelled = try await kitchen.server.kindling(["build", "cancel", id])
      #expect(cancelled.status == 0, "\(cancelled.all)")
      #expect(began.duration(to: clock.now) < .seconds(1))
      expectNothingLeft(kitchen, of: "36002")
    }
  }

  /// No process with this word among its arguments, no mount of the server's, no file of a build.
  private func expectNothingLeft(_ kitchen: Kitchen, of word: String) {
    let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    let arguments = processes.filter { Int($0) != nil }.compactMap {
      FileManager.default.contents(atPath: "/proc/\($0)/cmdline").map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(!arguments.contains { $0.split(separator: "\0").contains { $0 == word } })
    let mounts = FileManager.default.contents(atPath: "/proc/self/mounts") ?? Data()
    #expect(!String(decoding: mounts, as: UTF8.self).contains(kitchen.server.data))
    let left = FileManager.default.enumerator(atPath: kitchen.server.data + "/work")?.allObjects.map { "\($0)" }
    #expect(left == ["uploads"])
  }

  @Test("equal steps of one build run once")
  func equalSteps() async throws {
    try await Kitchen.run { kitchen in
      let dockerfile = """
        FROM busybox AS one
        RUN echo once; echo made > /made
        FROM busybox AS two
        RUN echo once; echo made > /made
        FROM scratch
        COPY --from=one /made /one
        COPY --from=two /made /two
        """
      let built = try await kitchen.build(dockerfile)
      #expect(built.succeeded, "\(built.log)")
      #expect(built.printed == ["once"])
      #expect(try await kitchen.build(dockerfile, ["--no-cache"]).printed == ["once", "once"])
    }
  }

  @Test("equal steps of two builds at once run once")
  func equalBuilds() async throws {
    try await Kitchen.run { kitchen in
      let dockerfile = """
        FROM busybox
        RUN --mount=type=cache,id=count,target=/c echo ran >> /c/count; echo made > /made
        """
      async let one = kitchen.build(dockerfile, name: "one")
      async let two = kitchen.build(dockerfile, name: "two")
      let (first, second) = try await (one, two)
      #expect(first.succeeded && second.succeeded, "\(first.log)\n\(second.log)")
      let count = try await kitchen.build(
        "FROM busybox\nRUN --mount=type=cache,id=count,target=/c cat /c/count\n", name: "three")
      #expect(count.printed == ["ran"])
    }
  }
}
