import Foundation
import TestSupport
import Testing

@Suite("A cancelled build", .timeLimit(.minutes(2)))
struct CancelTests {
  @Test("kills a command's children, whether they ignore signals, have sessions of their own or keep being born")
  func running() async throws {
    let mark = Self.mark()
    try await withServer { server, folder in
      try await server.importBusybox()
      let script = """
        trap '' TERM INT HUP; (setsid sh -c 'trap "" TERM HUP; exec sleep \(mark)' &); \
        (while :; do (sleep \(mark) &); sleep 1; done &); echo is run''ning; sleep \(mark)
        """
      try await Self.cancel("FROM busybox\nRUN \(script)\n", at: ["is running"], server, folder)
      #expect(try await Self.processes(mark) == "")
    }
  }

  @Test("ends all stages that run at once")
  func stages() async throws {
    let mark = Self.mark()
    try await withServer { server, folder in
      try await server.importBusybox()
      let dockerfile = """
        FROM busybox AS one
        RUN echo first ru''ns; sleep \(mark)
        FROM busybox AS two
        RUN echo second ru''ns; sleep \(mark)
        FROM scratch
        COPY --from=one / /
        COPY --from=two / /
        """
      try await Self.cancel(dockerfile, at: ["first runs", "second runs"], server, folder)
      #expect(try await Self.processes(mark) == "")
    }
  }

  @Test("stops while it packs a large file that a command wrote")
  func packing() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      try await Self.cancel(
        "FROM busybox\nRUN head -c 268435456 /dev/urandom > /large; echo is writ''ten\n", at: ["is written"], server,
        folder)
    }
  }

  @Test("stops while it copies twenty thousand files")
  func copying() async throws {
    try await withServer { server, folder in
      let make = """
        import os, sys
        for d in range(200):
          os.makedirs(f"{sys.argv[1]}/files/{d}")
          for f in range(100): open(f"{sys.argv[1]}/files/{d}/{f}", "w").write(f"{d} {f}\\n" * 50)
        """
      let tree = try Tree(["Dockerfile": "FROM scratch\nCOPY files /files/\n"], in: folder)
      #expect(try await Tool("python3").run(["-c", make, tree.path]).status == 0)
      let created = try await server.kindling(["build", "create", "app", "--context", tree.path])
      let id = try #require(created.lines.last)
      try await Self.cancel(id, at: ["COPY files"], server)
    }
  }

  @Test(
    "leaves a server that answers nothing",
    arguments: [
      "FROM HOST/acme/base:1\n", "FROM scratch\nADD http://HOST/file /\n", "FROM scratch\nADD http://HOST/x.git /\n",
    ])
  func stalled(dockerfile: String) async throws {
    let stall = try StallServer()
    try await withServer { server, folder in
      let text = dockerfile.replacingOccurrences(of: "HOST", with: "127.0.0.1:\(stall.port)")
      let id = try await HTTPAPI(server).create([
        "name": "app", "zippedCode": try await Tree.inline(dockerfile: text, in: folder),
      ])
      let connection = try await stall.asked()
      try await Self.cancel(id, at: [], server)
      await connection.gone()
    }
  }

  @Test("is let go by an executor that is told to end")
  func executor() async throws {
    let stall = try StallServer()
    try await withTemporaryFolder { folder in
      try folder.write("FROM scratch\nADD http://127.0.0.1:\(stall.port)/file /\n", to: "ctx/Dockerfile")
      let process = Process()
      process.executableURL = URL(fileURLWithPath: ServerProcess.binary)
      process.arguments = ["executor", "--no-push", "-c", folder.path("ctx"), "--kaniko-dir", folder.path("kept")]
      process.standardError = FileHandle.nullDevice
      async let status = process.ended()
      let connection = try await stall.asked()
      let began = ContinuousClock.now
      process.interrupt()
      await connection.gone()
      #expect(try await status == 130)
      let duration = began.duration(to: .now)
      #expect(duration < .seconds(1), "\(duration)")
      let left = try FileManager.default.subpathsOfDirectory(atPath: folder.path("kept/kindling/work"))
      #expect(left.filter { $0 != "uploads" } == [])
    }
  }

  // MARK: -

  private static func cancel(
    _ dockerfile: String, at lines: [String], _ server: ServerProcess, _ folder: TemporaryFolder
  ) async throws {
    let id = try await HTTPAPI(server).create([
      "name": "app", "zippedCode": try await Tree.inline(dockerfile: dockerfile, in: folder),
    ])
    try await cancel(id, at: lines, server)
  }

  /// Cancels when the log has said all `lines`; a second later nothing may be left.
  private static func cancel(_ id: String, at lines: [String], _ server: ServerProcess) async throws {
    for line in lines { try await Stream.wait(for: line, of: id, server) }
    let api = HTTPAPI(server)
    let began = ContinuousClock.now
    let cancelled = try await api.call("POST", "/v1/ignite/builds/\(id)/cancel", [:])
    let left = try Leftovers.of(server)
    let duration = began.duration(to: .now)
    #expect(cancelled.json["status"] == "BUILD_STATUS_CANCELLED", "\(cancelled)")
    #expect(left == [])
    #expect(duration < .seconds(1), "\(duration)")
    #expect(try await api.ended(id).log.last == "cancelled")
    #expect(try await Leftovers.tags(of: "app", server) == nil)
    let mounts = try String(contentsOfFile: "/proc/\(server.ready.pid)/mounts", encoding: .utf8)
    #expect(!mounts.contains(server.data))
  }

  /// A number of seconds that nobody else sleeps.
  private static func mark() -> String { "\(Int.random(in: 100_000_000..<1_000_000_000))" }

  private static func processes(_ mark: String) async throws -> String {
    try await Tool("pgrep").run(["-fl", "sleep \(mark)"]).output
  }
}
