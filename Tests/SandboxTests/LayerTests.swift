import Diagnostics
import Glibc
import SystemPackage
import Testing

@testable import Sandbox

@Suite("The upper directory", .enabled(if: Bench.isAble))
struct LayerTests {
  let bench = Bench()

  @Test("holds nothing after a command that changes nothing, mount points included")
  func nothing() async throws {
    #expect(try await bench.run("ls /proc/1 /dev/null /sys/class > /dev/null").status == .exited(0))
    #expect(bench.changes == [])
  }

  @Test("holds exactly what a command changes")
  func exactly() async throws {
    let outcome = try await bench.run("mkdir -p /a/b; echo x > /a/b/c; rm /etc/group; echo y > /proc/self/comm")
    #expect(outcome.stderr == "")
    #expect(bench.changes == ["a", "a/b", "a/b/c", "etc", "etc/group"])
    var status = stat()
    _ = bench.upper.appending("etc/group").withPlatformString { stat($0, &status) }
    #expect(status.st_mode & S_IFMT == S_IFCHR)
    #expect(status.st_rdev == 0)
  }

  @Test(
    "has no trace of a file bound in",
    arguments: ["/etc/resolv.conf", "/etc/deep/er/resolv.conf", "/new/resolv.conf", "/resolv.conf", "/etc/passwd"]
  )
  func bind(target: String) async throws {
    let source = bench.directory.appending("source")
    Bench.write("nameserver 192.0.2.1\n", to: source)
    let outcome = try await bench.run("cat \(target)") {
      $0.mounts = [.bind(source, target: FilePath(target))]
    }
    #expect(outcome.stdout == "nameserver 192.0.2.1\n")
    #expect(bench.changes == [])
  }

  @Test("keeps what a command does beside a file bound in, with its own time")
  func besideBind() async throws {
    let source = bench.directory.appending("source")
    Bench.write("bound\n", to: source)
    let outcome = try await bench.run("touch /etc/mine /new/mine; touch -d @1000000000 /etc; chmod 700 /bin") {
      $0.mounts = ["/etc/resolv.conf", "/new/bound", "/bin/bound"].map {
        SandboxMount.bind(source, target: FilePath($0), readOnly: true)
      }
    }
    #expect(outcome.stderr == "")
    #expect(bench.changes == ["bin", "etc", "etc/mine", "new", "new/mine"])
    var status = stat()
    _ = bench.upper.appending("etc").withPlatformString { stat($0, &status) }
    #expect(status.st_mtim.tv_sec == 1_000_000_000)
  }

  @Test("is not written to when the target is a link out of the root")
  func hostileTarget() async throws {
    let source = bench.directory.appending("source")
    Bench.write("bound\n", to: source)
    let outside = bench.directory.appending("outside").string
    let evil = bench.directory.appending("evil")
    for path in [evil, evil.appending("etc")] { Bench.makeDirectory(path) }
    _ = evil.appending("etc/resolv.conf").withPlatformString { symlink("../../../..\(outside)", $0) }
    var command = try bench.command("cat /etc/resolv.conf", over: [evil])
    command.mounts = [.bind(source, target: "/etc/resolv.conf")]
    #expect(try await bench.run(command).stdout == "bound\n")
    #expect(access(outside, F_OK) != 0)
    #expect(bench.changes == [])
  }

  @Test("stays as it is when an image's own dev, proc and sys are links")
  func linkedSystemDirectories() async throws {
    let image = bench.directory.appending("image")
    Bench.makeDirectory(image)
    for name in ["dev", "proc", "sys"] {
      _ = image.appending(name).withPlatformString { symlink("/../elsewhere/\(name)", $0) }
    }
    let command = try bench.command("ls -d /elsewhere/dev/null /proc/self/fd /sys/class", over: [image])
    #expect(try await bench.run(command).stdout == "/elsewhere/dev/null\n/proc/self/fd\n/sys/class\n")
    #expect(bench.changes == [])
  }

  @Test("is never covered by a mount over the root", arguments: ["/", "/etc/..", "/root"])
  func rootTarget(target: String) async throws {
    let image = bench.directory.appending("image")
    Bench.makeDirectory(image)
    _ = image.appending("root").withPlatformString { symlink("/", $0) }
    var command = try bench.command("true", over: [image])
    command.mounts = [.bind(image, target: FilePath(target))]
    let failure = await #expect(throws: Failure.self) { try await bench.run(command) }
    #expect(failure?.reason == "sandbox-mount")
  }

  @Test("is refused for a target whose links never end")
  func endlessTarget() async throws {
    let evil = bench.directory.appending("evil")
    Bench.makeDirectory(evil)
    _ = evil.appending("loop").withPlatformString { symlink("loop", $0) }
    var command = try bench.command("true", over: [evil])
    command.mounts = [.bind("/dev/null", target: "/loop/file")]
    let failure = await #expect(throws: Failure.self) { try await bench.run(command) }
    #expect(failure?.reason == "sandbox-mount")
  }

  @Test("is apart from a read-only bind, which a command can't write to")
  func readOnly() async throws {
    let source = bench.directory.appending("source")
    Bench.makeDirectory(source)
    Bench.write("kept\n", to: source.appending("file"))
    let outcome = try await bench.run("cat /mnt/file; echo x > /mnt/file") {
      $0.mounts = [.bind(source, target: "/mnt", readOnly: true)]
    }
    #expect(outcome.status == .exited(1))
    #expect(outcome.stdout == "kept\n")
    #expect(Bench.text(of: source.appending("file")) == "kept\n")
  }

  @Test("is apart from a tmpfs, which holds no more than its size")
  func tmpfs() async throws {
    let outcome = try await bench.run("dd if=/dev/zero of=/cache/x bs=1024 count=100 2>/dev/null; wc -c < /cache/x") {
      $0.mounts = [.tmpfs("/cache", size: .kibibytes(16))]
    }
    #expect(outcome.stdout == "16384\n")
    #expect(bench.changes == [])
  }

  @Test("can be used for one command after another")
  func again() async throws {
    _ = try await bench.run("echo 1 > /count")
    #expect(try await bench.run("cat /count; echo 2 > /count").stdout == "1\n")
    #expect(bench.changes == ["count"])
  }

  @Test("lies over as many layers as the kernel stacks, by paths of any length", arguments: [(20, 250), (499, 1)])
  func manyLayers(count: Int, nameLength: Int) async throws {
    let name = String(repeating: "l", count: nameLength)
    Bench.makeDirectory(bench.directory.appending(name))
    let layers = (0..<count).map { bench.layer("\(name)/\($0)", file: "file-\($0)", text: "\($0)") }
    let command = try bench.command("set -- /file-*; echo $#; cat /file-0 /file-\(count - 1)", over: layers)
    #expect(try await bench.run(command).stdout == "\(count)\n0\(count - 1)")
  }

  @Test("has a limit of layers, and the failure says what to do")
  func tooManyLayers() async throws {
    let layers = [FilePath](repeating: bench.base, count: 500)
    let failure = await #expect(throws: Failure.self) { try await bench.run(bench.command("true", over: layers)) }
    #expect(failure?.reason == "sandbox-too-many-layers")
    #expect(failure?.hint != nil)
  }

  @Test("may lie over nothing at all")
  func scratch() async throws {
    var command = try bench.command(["/busybox", "echo", "hello"], base: [])
    command.mounts = [.bind("/bin/busybox", target: "/busybox")]
    let outcome = try await bench.run(command)
    #expect(outcome == Outcome(status: .exited(0), stdout: "hello\n", stderr: ""))
    #expect(bench.changes == [])
  }

  @Test("gives the root the mode of the topmost layer")
  func rootMode() async throws {
    let top = bench.directory.appending("top")
    Bench.makeDirectory(top)
    _ = top.withPlatformString { chmod($0, 0o751) }
    #expect(try await bench.run(bench.command("stat -c %a /", over: [top])).stdout == "751\n")
  }

  @Test("of a layer that isn't there is a failure that names it")
  func missingLayer() async throws {
    let failure = await #expect(throws: Failure.self) {
      try await bench.run(bench.command("true", over: [bench.directory.appending("gone")]))
    }
    #expect(failure?.reason == "sandbox-overlay")
    #expect(failure?.cause?.contains("/gone") == true)
  }

  @Test("leaves a work directory that can be removed")
  func work() async throws {
    let command = try bench.command("true")
    _ = try await bench.run(command)
    try command.root.removeWork()
    #expect(command.root.work.withPlatformString { access($0, F_OK) } != 0)
  }
}
