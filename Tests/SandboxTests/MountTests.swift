import Diagnostics
import Glibc
import SystemPackage
import Testing

@testable import Sandbox

@Suite("Mounts of a command in a sandbox", .enabled(if: Bench.isAble))
struct SandboxMountTests {
  /// Layers for a mount, with directories of their own for what is written.
  private func root(_ bench: Bench, over lowers: [FilePath]) throws -> SandboxRoot {
    let root = SandboxRoot(
      lowers: lowers, upper: bench.directory.appending("mount-upper"), work: bench.directory.appending("mount-work"))
    try root.create()
    return root
  }

  @Test("shows a part of other layers joined, and keeps what is written apart from them")
  func layers() async throws {
    let bench = Bench()
    let lower = bench.layer("low", file: "one", text: "1")
    let upper = bench.layer("high", file: "two", text: "2")
    let root = try root(bench, over: [upper, lower])
    let shown = try await bench.run("cat /mnt/one /mnt/two && echo 3 > /mnt/one && rm /mnt/two && ls /mnt") {
      $0.mounts = [SandboxMount(.layers(root, path: "/"), target: "/mnt")]
    }
    #expect(shown == Outcome(status: .exited(0), stdout: "12one\n", stderr: ""))
    #expect(Bench.text(of: lower.appending("one")) == "1")
    #expect(Bench.text(of: upper.appending("two")) == "2")
    #expect(bench.changes == [])
    #expect(Bench.paths(in: root.upper).sorted() == ["one", "two"])
  }

  @Test("shows one file of layers, and nothing through a link out of them")
  func inside() async throws {
    let bench = Bench()
    let layer = bench.layer("layer", file: "file", text: "in the layer")
    #expect(symlink("/etc/hostname", "\(layer)/way") == 0)
    let root = try root(bench, over: [layer])
    let shown = try await bench.run("cat /file; touch /file 2>/dev/null || echo no") {
      $0.mounts = [SandboxMount(.layers(root, path: "/file"), target: "/file", readOnly: true)]
    }
    #expect(shown.stdout == "in the layerno\n")
    #expect(bench.changes == [])
    for path in ["/way", "/nothing"] {
      var command = try bench.command("true")
      command.mounts = [SandboxMount(.layers(root, path: FilePath(path)), target: "/file")]
      let refused = command
      let failure = try #require(await #expect(throws: Failure.self) { _ = try await bench.run(refused) })
      #expect(failure.reason == "sandbox-mount")
    }
  }

  @Test("gives a file of any bytes, with its owner and mode, that nobody can change", arguments: [0, 1, 4095, 100_000])
  func content(size: Int) async throws {
    let bench = Bench()
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let shown = try await bench.run("stat -c '%u:%g %a %s' /run/secret; cat /run/secret; touch /run/secret") {
      $0.mounts = [
        SandboxMount(
          .content(SecretValue(bytes), owner: UserSpec(uid: 5, gid: 6), mode: 0o440), target: "/run/secret",
          readOnly: true)
      ]
    }
    #expect(shown.stdout == "5:6 440 \(size)\n" + String(decoding: bytes, as: UTF8.self))
    #expect(shown.stderr.contains("Read-only"))
    #expect(bench.changes == [])
  }

  @Test("may lie in each other, and leaves no place behind, not in a bound directory either")
  func nested() async throws {
    let bench = Bench()
    let bound = bench.layer("bound", file: "kept", text: "")
    let outcome = try await bench.run("touch /a/b/c/deep && ls /a /a/b") {
      $0.mounts = [
        .bind(bound, target: "/a"), .tmpfs("/a/b/c"),
        SandboxMount(.content(SecretValue("x"), owner: .root, mode: 0o400), target: "/a/b/file"),
      ]
    }
    #expect(outcome == Outcome(status: .exited(0), stdout: "/a:\nb\nkept\n\n/a/b:\nc\nfile\n", stderr: ""))
    #expect(Bench.paths(in: bound) == ["kept"])
    #expect(bench.changes == [])
  }

  @Test("of a privileged command hide nothing, and take no capability away")
  func privileged() async throws {
    let bench = Bench()
    let script = "cat /proc/self/status; touch /proc/sys/kernel/hostname && echo writable"
    let usual = try await bench.run(script)
    let privileged = try await bench.run(script) { $0.isPrivileged = true }
    func effective(_ outcome: Outcome) -> UInt64 {
      let line = outcome.stdout.split(separator: "\n").first { $0.hasPrefix("CapEff:") } ?? ""
      return UInt64(line.drop { $0 != "\t" }.dropFirst(), radix: 16) ?? 0
    }
    #expect(effective(usual) == 0xA804_25FB & effective(usual))
    #expect(effective(privileged).nonzeroBitCount > effective(usual).nonzeroBitCount)
    #expect(privileged.stdout.hasSuffix("writable\n") && !usual.stdout.hasSuffix("writable\n"))
  }
}
