import Diagnostics
import Glibc
import Synchronization
import SystemPackage
import Testing

@testable import Sandbox

@Suite("A resident command", .enabled(if: Bench.isAble))
struct ResidentTests {
  let bench = Bench()

  private static var user: String { UserNamespace.situation == .rootOnly ? "0" : "1000" }

  private func command(_ arguments: [String]) -> ResidentCommand {
    var command = ResidentCommand(
      lowers: [bench.base], mountPoint: bench.directory.appending("mount"), rootSize: .mebibytes(4),
      arguments: arguments)
    command.environment = ["PATH=/bin"]
    command.user = Self.user
    return command
  }

  /// Runs it to its end.
  private func run(_ command: ResidentCommand) async throws -> (end: Resident.End, stdout: String) {
    let collected = Collected()
    let end = Mutex<Resident.End?>(nil)
    let (ended, continuation) = AsyncStream.makeStream(of: Void.self)
    let resident = try await Resident.start(command) {
      collected.add($0)
    } ended: { how in
      end.withLock { $0 = how }
      continuation.finish()
    }
    for await _ in ended {}
    withExtendedLifetime(resident) {}
    let how = try #require(end.withLock { $0 })
    return (how, collected.outcome(.exited(0)).stdout)
  }

  @Test("makes fewer system calls than builds do")
  func filtered() async throws {
    var command = command(["/calls"])
    command.mounts.append(.bind(try #require(SystemCallProgram.path), target: "/calls", readOnly: true))
    let (end, stdout) = try await run(command)
    try #require(end.status == .exited(0), "\(end) \(stdout)")
    var calls: [String: String] = [:]
    for line in stdout.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      if words.count == 2 { calls[words[0]] = words[1] }
    }
    let refused = [
      "add_key", "request_key", "keyctl", "bpf", "perf_event_open", "kexec_load", "init_module", "mount", "umount2",
      "pivot_root", "open_by_handle_at", "userfaultfd", "unshare", "setns", "io_uring_setup", "open_tree", "fsopen",
      "move_mount", "mount_setattr", "clone-user-namespace", "personality-no-random", "socket-vsock", "socket-alg",
      "ptrace", "chroot",
    ]
    for name in refused { #expect(calls[name] == "EPERM", "\(name)") }
    for name in ["clone3", "call-of-tomorrow"] { #expect(calls[name] == "ENOSYS", "\(name)") }
    let usual = [
      "fork", "personality-ask", "socket-inet", "socket-unix", "socketpair", "memfd", "prctl", "statx", "getrandom",
      "copy_file_range", "thread",
    ]
    for name in usual { #expect(calls[name] == "ok", "\(name)") }
    for name in calls.keys where name.hasPrefix("i386-") {
      #expect(calls[name] == "ENOSYS" || calls[name] == "none", "\(name) \(calls[name] ?? "")")
    }
  }

  @Test("has namespaces of its own, a name, a read-only root and what is mounted there")
  func surroundings() async throws {
    var command = command([
      "sh", "-c", "hostname; id -u; pwd; ls /proc/self/ns/; touch /x; touch /tmp/own/y && echo yes",
    ])
    command.hostname = "guest"
    command.workingDirectory = "/home"
    command.mounts = [SandboxMount(.ownMemory(size: .mebibytes(1)), target: "/tmp/own")]
    let (end, stdout) = try await run(command)
    #expect(end == Resident.End(status: .exited(0), memoryKills: 0))
    let lines = stdout.split(separator: "\n").map(String.init)
    #expect(lines.prefix(3) == ["guest", command.user, "/home"])
    #expect(lines.last == "yes")
  }

  @Test("is sent signals, which its process 1 passes on", .timeLimit(.minutes(1)))
  func signals() async throws {
    let (lines, said) = AsyncStream.makeStream(of: String.self)
    let command = command([
      "sh", "-c", "trap 'echo usr1' USR1; trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.01; done",
    ])
    let end = Mutex<Resident.End?>(nil)
    let resident = try await Resident.start(command) {
      for line in String(decoding: $0.bytes, as: UTF8.self).split(separator: "\n") { said.yield(String(line)) }
    } ended: { how in
      end.withLock { $0 = how }
      said.finish()
    }
    var heard: [String] = []
    for await line in lines {
      heard.append(line)
      switch line {
      case "up": resident.signal(UInt8(SIGUSR1))
      case "usr1": resident.signal(UInt8(SIGTERM))
      default: break
      }
    }
    #expect(heard == ["up", "usr1", "bye"])
    #expect(end.withLock { $0 }?.status == .exited(5))
    // Of no effect, and no harm.
    resident.signal(UInt8(SIGTERM))
    #expect(try resident.socket() == nil)
  }

  @Test("has a network that sockets can be made in", .timeLimit(.minutes(1)))
  func sockets() async throws {
    let (lines, said) = AsyncStream.makeStream(of: String.self)
    let resident = try await Resident.start(command(["sh", "-c", "echo up; exec sleep 1000005"])) {
      said.yield(String(decoding: $0.bytes, as: UTF8.self))
    } ended: { _ in
      said.finish()
    }
    for await _ in lines { break }
    let socket = try #require(try resident.socket())
    let bound = try #require(try resident.boundSocket(isStream: true, port: 80))
    try socket.close()
    try bound.close()
    resident.kill()
    for await _ in lines {}
    #expect(try resident.socket() == nil)
  }

  @Test("asks for its connections, and is answered", .timeLimit(.minutes(1)))
  func asks() async throws {
    var command = command(["/bin/busybox", "nc", "192.0.2.9", "80"])
    command.asksToConnect = true
    let collected = Collected()
    let (ended, continuation) = AsyncStream.makeStream(of: Void.self)
    let resident = try await Resident.start(command) {
      collected.add($0)
    } connecting: { call in
      #expect(Int32(call.address.ss_family) == AF_INET)
      call.accept { end in
        guard let end else { return }
        _ = try? end.writeAll("hello\n".utf8)
        try? end.close()
      }
    } ended: { _ in
      continuation.finish()
    }
    #expect(resident.asksToConnect)
    for await _ in ended {}
    #expect(collected.outcome(.exited(0)).stdout == "hello\n")
  }

  @Test("dies with our own process")
  func killedParent() async throws {
    await #expect(processExitsWith: .signal(SIGKILL)) { [owner = bench.borrowed as Bench.Borrowed] in
      let bench = Bench(of: owner)
      var command = ResidentCommand(
        lowers: [bench.base], mountPoint: bench.directory.appending("mount"), rootSize: .mebibytes(4),
        arguments: ["sh", "-c", "(setsid sleep 1000004 &); echo started; sleep 1000004"])
      command.environment = ["PATH=/bin"]
      command.user = Self.user
      _ = try await Resident.start(command, output: { _ in kill(getpid(), SIGKILL) }, ended: { _ in })
      while true { try await Task.sleep(for: .seconds(60)) }
    }
    let deadline = ContinuousClock.now + .seconds(5)
    while Bench.isRunning("1000004"), ContinuousClock.now < deadline { await Task.yield() }
    #expect(!Bench.isRunning("1000004"))
  }

  @Test("never begins when its user is not there, with the cure")
  func unmapped() async throws {
    var command = command(["true"])
    command.user = UserNamespace.situation == .machine ? "nobody" : "4000000"
    let failure = await #expect(throws: Failure.self) { _ = try await run(command) }
    #expect(failure?.reason == (UserNamespace.situation == .machine ? "user-unknown" : "sandbox-user-unmapped"))
    #expect(failure?.hint != nil)
  }
}
