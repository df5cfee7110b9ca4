import Diagnostics
import Glibc
import Synchronization
import SystemPackage
import Testing

@testable import Sandbox

@Suite("A command", .enabled(if: Bench.isAble))
struct CommandTests {
  let bench = Bench()

  @Test(
    "ends with its own status",
    arguments: [
      ("true", CommandStatus.exited(0)), ("false", .exited(1)), ("exit 3", .exited(3)), ("kill -9 $$", .signalled(9)),
      ("kill -TERM $$", .signalled(15)),
    ]
  )
  func status(script: String, expected: CommandStatus) async throws {
    #expect(try await bench.run(script).status == expected)
  }

  @Test("writes to two streams, each in order")
  func streams() async throws {
    let outcome = try await bench.run("for i in 1 2 3; do echo out $i; echo err $i >&2; done")
    #expect(
      outcome == Outcome(status: .exited(0), stdout: "out 1\nout 2\nout 3\n", stderr: "err 1\nerr 2\nerr 3\n")
    )
  }

  @Test("delivers fifty megabytes without losing a byte")
  func largeOutput() async throws {
    let count = Atomic<Int>(0)
    let command = try bench.command(["dd", "if=/dev/zero", "bs=1048576", "count=50"])
    let status = try await Sandbox().run(command) { chunk in
      if chunk.stream == .stdout { count.wrappingAdd(chunk.bytes.count, ordering: .relaxed) }
    }
    #expect(status == .exited(0))
    #expect(count.load(ordering: .relaxed) == 50 << 20)
  }

  @Test("finds nothing to read on its input")
  func input() async throws {
    #expect(try await bench.run("cat; echo end").stdout == "end\n")
  }

  @Test("has exactly the given environment")
  func environment() async throws {
    var command = try bench.command(["env"])
    command.environment = ["PATH=/bin", "GREETING=grüß  dich", "EMPTY="]
    #expect(try await bench.run(command).stdout == "PATH=/bin\nGREETING=grüß  dich\nEMPTY=\n")
  }

  @Test("starts in its working directory")
  func workingDirectory() async throws {
    #expect(try await bench.run("pwd") { $0.workingDirectory = "/home" }.stdout == "/home\n")
  }

  @Test("is refused with a failure when the working directory is missing")
  func missingWorkingDirectory() async throws {
    let failure = await #expect(throws: Failure.self) {
      try await bench.run("pwd") { $0.workingDirectory = "/no/where" }
    }
    #expect(failure?.reason == "workdir-missing")
    #expect(failure?.message.contains("\"/no/where\"") == true)
  }

  @Test(
    "that can't be run is a result with docker's status and words",
    arguments: [
      (["foo"], Int32(127), "exec: \"foo\": executable file not found in $PATH\n"),
      (["/foo"], 127, "exec: \"/foo\": stat /foo: no such file or directory\n"),
      (["/etc/passwd"], 126, "exec: \"/etc/passwd\": permission denied\n"),
      (["/etc"], 126, "exec: \"/etc\": is a directory\n"),
      (["/layer-script"], 127, "exec /layer-script: no such file or directory\n"),
    ]
  )
  func notRunnable(arguments: [String], status: Int32, text: String) async throws {
    let script = bench.layer("script", file: "layer-script", text: "#!/no/interpreter\n")
    _ = script.appending("layer-script").withPlatformString { chmod($0, 0o755) }
    let outcome = try await bench.run(bench.command(arguments, over: [script]))
    #expect(outcome == Outcome(status: .exited(status), stdout: "", stderr: text))
  }

  @Test("sees the limits, mask, hostname and process number docker would give it")
  func surroundings() async throws {
    let outcome = try await bench.run("ulimit -n; umask; hostname; echo $$") { $0.hostname = "build" }
    #expect(outcome.stdout == "1024\n0022\nbuild\n2\n")
  }

  @Test("inherits no descriptor but the three streams")
  func descriptors() async throws {
    // The fourth is the directory that ls reads.
    #expect(try await bench.run("exec ls /proc/self/fd").stdout == "0\n1\n2\n3\n")
  }

  @Test("gets docker's capabilities, and may gain privileges as su does")
  func capabilities() async throws {
    let outcome = try await bench.run(
      "while read name value; do case $name in Cap*|NoNew*) echo $name $value;; esac; done < /proc/self/status"
    )
    #expect(
      outcome.stdout == """
        CapInh: 0000000000000000
        CapPrm: 00000000a80425fb
        CapEff: 00000000a80425fb
        CapBnd: 00000000a80425fb
        CapAmb: 0000000000000000
        NoNewPrivs: 0

        """
    )
  }

  @Test("can't reach the machine through proc and sys")
  func masks() async throws {
    let outcome = try await bench.run(
      "wc -c < /proc/interrupts; echo x > /proc/sys/kernel/hostname; touch /sys/x; "
        + "ls /sys/firmware; exit 0"
    )
    #expect(outcome.stdout == "0\n", "\(outcome.stderr)")
    #expect(outcome.stderr.split(separator: "\n").count == 2)
  }

  @Test("has the devices programs expect")
  func devices() async throws {
    let outcome = try await bench.run(
      "head -c 3 /dev/zero | wc -c; echo x > /dev/null; head -c 2 /dev/urandom | wc -c; touch /dev/shm/x; "
        + "ls -d /dev/pts/ptmx /dev/fd/0; echo y > /dev/stdout"
    )
    #expect(outcome == Outcome(status: .exited(0), stdout: "3\n2\n/dev/fd/0\n/dev/pts/ptmx\ny\n", stderr: ""))
  }

  @Test("without network sees a loopback interface that is up, and no route")
  func noNetwork() async throws {
    let outcome = try await bench.run("ls /sys/class/net; ip -o link; cat /proc/net/route | wc -l") {
      $0.network = .none
    }
    #expect(outcome.stdout.hasPrefix("lo\n1: lo: <LOOPBACK,UP,LOWER_UP>"))
    #expect(outcome.stdout.hasSuffix("\n1\n"))
  }

  /// Ways to spoil a command.
  enum Flaw: String, CaseIterable {
    case nulByte = "sandbox-nul-byte"
    case empty = "sandbox-command-empty"
    case hostname = "sandbox-hostname"
    case mounts = "sandbox-too-many-mounts"
  }

  @Test("is refused when it can't be described", arguments: Flaw.allCases)
  func refused(flaw: Flaw) async throws {
    let failure = await #expect(throws: Failure.self) {
      try await bench.run("true") { command in
        switch flaw {
        case .nulByte: command.arguments = ["a\0b"]
        case .empty: command.arguments = []
        case .hostname: command.hostname = String(repeating: "h", count: 65)
        case .mounts: command.mounts = (0...256).map { .tmpfs(FilePath("/mount-\($0)")) }
        }
      }
    }
    #expect(failure?.reason == flaw.rawValue)
    #expect(failure?.code == .invalidArgument)
  }

  @Test("is a failure when its init can't be started")
  func missingExecutable() async throws {
    let command = try bench.command("true")
    let failure = await #expect(throws: Failure.self) {
      try await Sandbox(executable: "/no/where").run(command) { _ in }
    }
    #expect(failure?.reason == "sandbox-launch")
  }

  @Test("is a failure when its directories can't be made")
  func missingParent() {
    let root = SandboxRoot(lowers: [], upper: "/no/where/upper", work: "/no/where/work")
    let failure = #expect(throws: Failure.self) { try root.create() }
    #expect(failure?.reason == "sandbox-directory")
  }
}

@Suite("The user of a command", .enabled(if: Bench.isAble && UserNamespace.situation != .rootOnly))
struct UserTests {
  let bench = Bench()

  @Test("has the given numbers and groups, and no capabilities")
  func numbers() async throws {
    let outcome = try await bench.run("id; while read n v; do [ $n = CapEff: ] && echo $v; done < /proc/self/status") {
      $0.user = UserSpec(uid: 1000, gid: 1000, supplementary: [2000])
    }
    #expect(
      outcome.stdout
        == "uid=1000(user) gid=1000(user) groups=2000(staff)\n0000000000000000\n"
    )
  }

  @Test("owns what it writes")
  func owner() async throws {
    _ = try await bench.run("mkdir /work; chown 1000:2000 /work")
    var command = try bench.command("touch /work/file; stat -c '%u:%g %a' /work/file")
    command.user = UserSpec(uid: 1000, gid: 2000)
    #expect(try await bench.run(command).stdout == "1000:2000 644\n")
  }

  @Test("can be changed by su")
  func su() async throws {
    #expect(try await bench.run("su user -c 'id -u'").stdout == "1000\n")
  }
}
