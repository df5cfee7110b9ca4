import Foundation
import TestSupport
import Testing

/// What builds are given of this machine only where its owner says so: ssh agents, and every capability.
@Suite("Grants") struct GrantTests {
  /// OpenSSH's agent with one key, and a folder `tools` with OpenSSH's client of it and a shell.
  private func withAgent(
    in folder: TemporaryFolder, _ body: (_ socket: String, _ fingerprint: String) async throws -> Void
  ) async throws {
    let script = """
      set -e
      mkdir -p ctx/tools/bin ctx/tools/etc; cp /bin/busybox ctx/tools/bin/sh
      cp "$(command -v ssh-add)" ctx/tools/bin/ssh-add
      ldd ctx/tools/bin/ssh-add | grep -o '/[^ ]*' | sort -u | xargs -I {} cp -L --parents {} ctx/tools
      echo root:x:0:0::/:/bin/sh > ctx/tools/etc/passwd
      ssh-keygen -q -t ed25519 -N '' -C 'key of the test' -f key
      """
    let made = try await Tool("/bin/sh").run(["-c", script], in: folder.path)
    try #require(made.status == 0, "\(made.all)")
    // A socket's address is short.
    let socket = "/tmp/agent-\(UUID().uuidString.prefix(8))"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try Tool("ssh-agent").path)
    process.arguments = ["-D", "-a", socket]
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    defer {
      kill(process.processIdentifier, SIGKILL)
      try? FileManager.default.removeItem(atPath: socket)
    }
    // It says where it is when it listens.
    _ = await ServerProcess.firstLine(of: output.fileHandleForReading)
    let added = try await Tool("ssh-add").run([folder.path("key")], environment: ["SSH_AUTH_SOCK": socket])
    try #require(added.status == 0, "\(added.all)")
    let listed = try await Tool("ssh-add").run(["-l"], environment: ["SSH_AUTH_SOCK": socket])
    try await body(socket, listed.lines.first ?? "none")
  }

  private static let login = """
    FROM scratch
    COPY tools /
    RUN --mount=type=ssh,required ssh-add -l
    RUN --mount=type=ssh,id=deploy,required ssh-add -l

    """

  @Test("an agent's keys are for the executor's commands with --ssh, and never in the image")
  func executorAgent() async throws {
    try await withTemporaryFolder { folder in
      try await withAgent(in: folder) { socket, key in
        try folder.write(Self.login, to: "ctx/Dockerfile")
        func run(_ words: [String], _ environment: [String: String] = [:]) async throws -> Tool.Result {
          try await Tool(ServerProcess.binary).run(
            ["executor", "-c", "ctx", "--no-push"] + words,
            environment: ["XDG_CACHE_HOME": folder.path("cache")].merging(environment) { $1 }, in: folder.path)
        }
        let built = try await run(["--ssh", "default", "--ssh", "deploy=\(socket)"], ["SSH_AUTH_SOCK": socket])
        #expect(built.status == 0 && built.output == "\(key)\n\(key)\n", "\(built.all)")
        let missing = try await run(["--ssh=default=\(socket)"])
        #expect(missing.status == 1 && missing.error.contains("--ssh deploy=SOCKET"), "\(missing.all)")
        let file = try await run(["--ssh", "default=key"])
        #expect(file.status == 1 && file.error.contains("'key' is no agent's socket"), "\(file.all)")
      }
    }
  }

  @Test("an agent is for a server's builds only with --allow-ssh-agent")
  func serverAgent() async throws {
    try await withTemporaryFolder { folder in
      try await withAgent(in: folder) { socket, key in
        try folder.write(Self.login, to: "ctx/Dockerfile")
        func build(_ server: ServerProcess) async throws -> Tool.Result {
          try await server.kindling(["build", folder.path("ctx"), "--name", "agent", "--progress", "plain"])
        }
        try await withServer(["--allow-ssh-agent", "default=\(socket)", "--allow-ssh-agent=deploy=\(socket)"]) {
          server, _ in
          let built = try await build(server)
          #expect(built.status == 0 && built.error.components(separatedBy: key).count == 3, "\(built.all)")
        }
        try await withServer { server, _ in
          let refused = try await build(server)
          #expect(refused.status != 0 && refused.error.contains("--allow-ssh-agent default=SOCKET"), "\(refused.all)")
        }
      }
    }
  }

  /// The capabilities of this process, which a server that it starts has too.
  private func capabilities() throws -> String {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8).split(separator: "\n")
    return try #require(status.first { $0.hasPrefix("CapEff:") }.map(String.init))
  }

  private static let mounting = """
    RUN --security=insecure grep CapEff /proc/self/status; mkdir /m && mount -t tmpfs none /m && touch /m/in
    RUN ls -A /m; ! mount -t tmpfs none /m 2> /dev/null && echo as usual

    """

  @Test("RUN --security=insecure has all of the executor's capabilities with --allow", .enabled(if: geteuid() == 0))
  func executorInsecure() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop("FROM scratch\nADD base.tar /\n" + Self.mounting, in: folder)
      let own = try capabilities()
      let built = try await shop.run(["-c", "ctx", "--no-push", "--allow", "security.insecure"])
      #expect(built.status == 0 && built.output == "\(own)\nas usual\n", "\(built.all)")
      let refused = try await shop.run(["-c", "ctx", "--no-push", "--allow", "network.host"])
      #expect(
        refused.status == 1 && refused.error.contains("--allow security.insecure")
          && refused.error.contains("> 3 | RUN --security"), "\(refused.all)")
    }
  }

  @Test("RUN --security=insecure is for a server's builds with --allow-insecure", .enabled(if: geteuid() == 0))
  func serverInsecure() async throws {
    // The log shows a tab as a space.
    let own = try capabilities().replacingOccurrences(of: "\t", with: " ")
    try await withServer(["--allow-insecure"]) { server, folder in
      try await server.importBusybox()
      #expect(server.ready.warnings.contains { $0.contains("--security=insecure is allowed") })
      try folder.write("FROM busybox\n" + Self.mounting, to: "ctx/Dockerfile")
      let built = try await server.kindling(
        ["build", folder.path("ctx"), "--name", "insecure", "--progress", "plain"])
      #expect(built.status == 0 && built.error.contains(own) && built.error.contains("as usual"), "\(built.all)")
    }
  }
}
