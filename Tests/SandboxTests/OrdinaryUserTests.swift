import Glibc
import SystemPackage
import Testing

@testable import Sandbox

/// The other suites again, in a process that gave up being root and entered a user namespace: the program exits with
/// success only if they pass there, and as it is the exit test's own process, only if entering kept its number.
@Suite("An ordinary user", .enabled(if: geteuid() == 0 && UserNamespace.situation == .machine && Bench.isAble))
struct OrdinaryUserTests {
  let bench = Bench()

  @Test("runs commands as root of a namespace with nobody else")
  func rootOnly() async {
    await #expect(processExitsWith: .success) {
      setenv("EXPECTED_IDS", "1", 1)
      Self.becomeOrdinary()
      try UserNamespace.enter(arguments: Self.arguments)
    }
  }

  @Test("runs commands as any user of the image with a range of ids", .enabled(if: hasMapper))
  func mapped() async {
    await #expect(processExitsWith: .success) { [owner = bench.borrowed as Bench.Borrowed] in
      setenv("EXPECTED_IDS", "65537", 1)
      try Self.grantRange(named: true, by: owner)
      Self.becomeOrdinary()
      #expect(UserNamespace.ranges?.uids == SubordinateRange(start: 700_000, count: 65536))
      try UserNamespace.enter(arguments: Self.arguments)
    }
  }

  @Test("goes on with nobody else when newuidmap refuses the range", .enabled(if: hasMapper))
  func refusedRange() async {
    await #expect(processExitsWith: .success) { [owner = bench.borrowed as Bench.Borrowed] in
      // newuidmap wants a user with a name.
      setenv("EXPECTED_IDS", "1", 1)
      try Self.grantRange(named: false, by: owner)
      Self.becomeOrdinary()
      try UserNamespace.enter(arguments: Self.arguments)
    }
  }

  private static let hasMapper = access("/usr/bin/newuidmap", X_OK) == 0

  static let arguments = [
    CommandLine.arguments[0], "--testing-library", "swift-testing", "--no-parallel", "--filter",
    "SandboxTests\\.(CommandTests|LayerTests|UserTests|SituationTests|ResidentTests)",
  ]

  private static let uid: uid_t = 64_999

  private static func becomeOrdinary() {
    // Else the program would take itself for an exit test again.
    for name in ["SWT_EXIT_TEST_ID", "SWT_BACKCHANNEL", "SWT_CAPTURED_VALUES"] { unsetenv(name) }
    setenv("TMPDIR", "/tmp", 1)
    setgroups(0, nil)
    setgid(uid)
    setuid(uid)
  }

  /// Shows this process, and nobody else, files that give the user ids and, if asked for, a name.
  private static func grantRange(named: Bool, by owner: Bench.Borrowed) throws {
    let bench = Bench(of: owner)
    let file = bench.directory.appending("subid")
    Bench.write("\(uid):700000:65536\n", to: file)
    // Swift's view of the C library lacks both calls and their flags: CLONE_NEWNS, MS_REC|MS_PRIVATE and MS_BIND.
    typealias Unshare = @convention(c) (Int32) -> Int32
    typealias Mount =
      @convention(c) (UnsafePointer<CChar>?, UnsafePointer<CChar>, UnsafePointer<CChar>?, UInt, UnsafeRawPointer?) ->
      Int32
    let unshare = unsafeBitCast(try #require(dlsym(nil, "unshare")), to: Unshare.self)
    let mount = unsafeBitCast(try #require(dlsym(nil, "mount")), to: Mount.self)
    try #require(unshare(0x20000) == 0)
    try #require(mount(nil, "/", nil, 0x4000 | 0x40000, nil) == 0)
    for target in ["/etc/subuid", "/etc/subgid"] { try #require(mount(file.string, target, nil, 0x1000, nil) == 0) }
    guard named else { return }
    let users = bench.directory.appending("passwd")
    Bench.write("root:x:0:0::/:/bin/sh\nordinary:x:\(uid):\(uid)::/:/bin/sh\n", to: users)
    try #require(mount(users.string, "/etc/passwd", nil, 0x1000, nil) == 0)
  }
}

@Suite("Inside a user namespace", .enabled(if: getenv("EXPECTED_IDS") != nil))
struct SituationTests {
  @Test("the program has its environment, and the ids it was to get")
  func situation() throws {
    let count = try #require(getenv("EXPECTED_IDS").map { String(cString: $0) })
    #expect(UserNamespace.situation == (count == "1" ? .rootOnly : .mapped(ids: 65537)))
    #expect(geteuid() == 0)
  }
}
