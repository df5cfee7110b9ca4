import Diagnostics
import Glibc
import Synchronization
import SystemPackage

@testable import Sandbox

/// A place to run commands in: a busybox layer shared by all tests, and directories of its own.
final class Bench: Sendable {
  let directory: FilePath
  let base: FilePath
  private let isBorrowed: Bool

  /// Whether commands can be run at all: as root, or as root of a user namespace.
  static let isAble = geteuid() == 0 && access("/bin/busybox", X_OK) == 0

  /// `bin` with busybox, `etc` with two users, and none of proc, dev, sys.
  private static let sharedBase = makeBase()
  /// Where tests put what several of them need.
  static var sharedFolder: FilePath { sharedBase.removingLastComponent() }
  private static let counter = Atomic<Int>(0)

  init() {
    base = Self.sharedBase
    isBorrowed = false
    let number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
    directory = base.removingLastComponent().appending("bench-\(number)")
    for name in ["", "mount"] { Self.makeDirectory(directory.appending(name)) }
  }

  /// Another process's bench, which stays that one's to remove.
  init(of owner: Borrowed) {
    base = FilePath(owner.base)
    directory = FilePath(owner.directory)
    isBorrowed = true
  }

  struct Borrowed: Sendable, Codable {
    var base: String
    var directory: String
  }

  var borrowed: Borrowed { Borrowed(base: base.string, directory: directory.string) }

  deinit { if !isBorrowed { Self.remove(directory) } }

  static func remove(_ directory: FilePath) {
    try? SandboxRoot(lowers: [], upper: directory, work: directory).removeWork()
  }

  var upper: FilePath { directory.appending("upper") }

  /// A command of the shell in a root over the layers, the base being the lowest.
  func command(
    _ script: String,
    over layers: [FilePath] = [],
    base: [FilePath]? = nil
  ) throws(Failure) -> SandboxCommand {
    try command(["/bin/sh", "-c", script], over: layers, base: base)
  }

  func command(
    _ arguments: [String],
    over layers: [FilePath] = [],
    base: [FilePath]? = nil
  ) throws(Failure) -> SandboxCommand {
    let root = SandboxRoot(
      lowers: layers + (base ?? [self.base]),
      upper: upper,
      work: directory.appending("work")
    )
    try root.create()
    return SandboxCommand(
      root: root,
      mountPoint: directory.appending("mount"),
      arguments: arguments,
      environment: ["PATH=/bin"]
    )
  }

  func run(_ command: SandboxCommand) async throws -> Outcome {
    let collected = Collected()
    let status = try await Sandbox().run(command) { collected.add($0) }
    return collected.outcome(status)
  }

  func run(_ script: String, _ change: (inout SandboxCommand) -> Void = { _ in }) async throws -> Outcome {
    var command = try command(script)
    change(&command)
    return try await run(command)
  }

  /// A new layer directory with one file in it.
  func layer(_ name: String, file: String, text: String) -> FilePath {
    // In text, as building paths by their components costs milliseconds each without optimisation.
    let layer = "\(directory.string)/\(name)"
    mkdir(layer, 0o755)
    let descriptor = open("\(layer)/\(file)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    _ = text.withCString { Glibc.write(descriptor, $0, strlen($0)) }
    close(descriptor)
    return FilePath(layer)
  }

  /// Every path in the upper directory, sorted.
  var changes: [String] { Self.paths(in: upper).sorted() }

  static func paths(in directory: FilePath, below prefix: String = "") -> [String] {
    guard let stream = directory.withPlatformString({ opendir($0) }) else { return [] }
    defer { closedir(stream) }
    var found: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      found.append(prefix + name)
      if Int32(entry.pointee.d_type) == Int32(DT_DIR) {
        found += paths(in: directory.appending(name), below: prefix + name + "/")
      }
    }
    return found
  }

  static func makeDirectory(_ path: FilePath) { _ = path.withPlatformString { mkdir($0, 0o755) } }

  static func write(_ text: String, to path: FilePath) {
    guard
      let file = try? FileDescriptor.open(
        path,
        .writeOnly,
        options: [.create, .truncate],
        permissions: FilePermissions(rawValue: 0o644)
      )
    else { return }
    _ = try? file.closeAfter { try file.writeAll(text.utf8) }
  }

  static func text(of path: FilePath) -> String? {
    guard let file = try? FileDescriptor.open(path, .readOnly) else { return nil }
    defer { try? file.close() }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }) else { return nil }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  /// Whether a process of the machine has the word among its arguments.
  static func isRunning(_ word: String) -> Bool {
    guard let stream = opendir("/proc") else { return false }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard UInt32(name) != nil, let line = text(of: FilePath("/proc/\(name)/cmdline")) else { continue }
      if line.split(separator: "\0").contains(where: { $0 == word }) { return true }
    }
    return false
  }

  private static func makeBase() -> FilePath {
    let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(directory)/sandbox-tests-XXXXXX".utf8CString)
    _ = mkdtemp(&template)
    let place = FilePath(platformString: template)
    _ = place.withPlatformString { chmod($0, 0o755) }
    let base = place.appending("base")
    atexit { Bench.remove(Bench.sharedBase.removingLastComponent()) }
    for name in ["", "bin", "etc", "home"] { makeDirectory(base.appending(name)) }
    copyBusybox(to: base.appending("bin/busybox"))
    let programs =
      "cat chmod chown dd echo env false head hostname id ip kill ln ls mkdir mv ps pwd rm rmdir seq setsid sh "
      + "sleep stat su touch true wc"
    for program in programs.split(separator: " ") {
      _ = base.appending("bin/\(program)").withPlatformString { symlink("busybox", $0) }
    }
    write("root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n", to: base.appending("etc/passwd"))
    write("root:x:0:\nuser:x:1000:\nstaff:x:2000:user\n", to: base.appending("etc/group"))
    return base
  }

  private static func copyBusybox(to path: FilePath) {
    guard let from = try? FileDescriptor.open("/bin/busybox", .readOnly),
      let to = try? FileDescriptor.open(
        path,
        .writeOnly,
        options: .create,
        permissions: FilePermissions(rawValue: 0o755)
      )
    else { return }
    while sendfile(to.rawValue, from.rawValue, nil, 1 << 24) > 0 {}
    try? from.close()
    try? to.close()
  }
}

/// The module's own, whose name the testing library uses too.
typealias CommandStatus = ExitStatus

struct Outcome: Equatable {
  var status: ExitStatus
  var stdout: String
  var stderr: String
}

/// What a command has written so far.
final class Collected: Sendable {
  private let bytes = Mutex<(out: [UInt8], err: [UInt8])>(([], []))

  func add(_ chunk: OutputChunk) {
    bytes.withLock { bytes in
      switch chunk.stream {
      case .stdout: bytes.out += chunk.bytes
      case .stderr: bytes.err += chunk.bytes
      }
    }
  }

  func outcome(_ status: ExitStatus) -> Outcome {
    bytes.withLock {
      Outcome(
        status: status,
        stdout: String(decoding: $0.out, as: UTF8.self),
        stderr: String(decoding: $0.err, as: UTF8.self)
      )
    }
  }
}
