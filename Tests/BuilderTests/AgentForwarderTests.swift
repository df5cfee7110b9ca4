import Diagnostics
import Dispatch
import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("A forwarded ssh agent")
struct AgentForwarderTests {
  static let owner = RunOwner(uid: 7, gid: 8, mode: 0o660)

  /// An agent of a kind, until its input ends: answers every message with itself, twice.
  static let agent = """
    import socket, sys, threading
    server = socket.socket(socket.AF_UNIX)
    server.bind(sys.argv[1])
    server.listen()
    def answer(connection):
        while data := connection.recv(65536):
            connection.sendall(data + data)
    def accept():
        while True:
            threading.Thread(target=answer, args=[server.accept()[0]], daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    sys.stdout.write('r')
    sys.stdout.flush()
    sys.stdin.read()
    """
  static let client = """
    import socket, sys
    sockets = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for s in sockets: s.connect(sys.argv[1])
    for s in sockets[::-1]:
        for text in (b'one', b'two'):
            s.sendall(text)
            got = b''
            while len(got) < 6: got += s.recv(6)
            assert got == text + text, got
    print('answered')
    """

  @Test("answers many connections, has its owner and mode, and is gone after its end", .enabled(if: geteuid() == 0))
  func forwards() async throws {
    try await withTemporaryFolder { folder in
      // Longer than the address of a socket can be.
      let deep = folder.path(String(repeating: "d", count: 120))
      try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
      let agent = Process()
      agent.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
      agent.arguments = ["-c", Self.agent, "agent"]
      agent.currentDirectoryURL = URL(fileURLWithPath: deep)
      let (input, output) = (Pipe(), Pipe())
      agent.standardInput = input
      agent.standardOutput = output
      try agent.run()
      defer { try? input.fileHandleForWriting.close() }
      #expect(output.fileHandleForReading.availableData == Data("r".utf8))
      let forwarder = try AgentForwarder(
        agent: FilePath(deep + "/agent"), path: FilePath(deep + "/forwarded"), owner: Self.owner)
      var status = stat()
      #expect(stat(deep + "/forwarded", &status) == 0)
      #expect(status.st_uid == 7 && status.st_gid == 8 && status.st_mode & 0o7777 == 0o660)
      let answered = try await Tool("python3").run(["-c", Self.client, "forwarded"], in: deep)
      #expect(answered.output == "answered\n", "\(answered.all)")
      forwarder.end()
      forwarder.end()
      let refused = try await Tool("python3").run(["-c", Self.client, "forwarded"], in: deep)
      #expect(refused.error.contains("ConnectionRefused"), "\(refused.all)")
    }
  }

  @Test("that does not answer is a failure that says so")
  func missing() throws {
    let failure = try #require(
      #expect(throws: Failure.self) {
        _ = try AgentForwarder(agent: "/nowhere/agent", path: "/nowhere/too", owner: Self.owner)
      })
    #expect(failure.reason == "ssh-agent-unreachable")
    #expect(failure.cause == "No such file or directory")
  }
}
