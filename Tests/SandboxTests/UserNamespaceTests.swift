import Diagnostics
import SystemPackage
import Testing

@testable import Sandbox

@Suite("A user namespace")
struct UserNamespaceTests {
  @Test(
    "is known by the map of its ids",
    arguments: [
      ("         0          0 4294967295\n", UserNamespace.Situation.machine),
      ("         0       1000          1\n", .rootOnly),
      ("         0       1000          1\n         1     100000      65536\n", .mapped(ids: 65537)),
      ("", .machine),
    ]
  )
  func map(text: String, expected: UserNamespace.Situation) {
    #expect(UserNamespace.situation(map: text) == expected)
  }

  @Test("without other ids comes with advice, any other without")
  func warning() {
    #expect(UserNamespace.Situation.rootOnly.warning?.contains("/etc/subuid") == true)
    #expect(UserNamespace.Situation.mapped(ids: 2).warning == nil)
  }

  @Test("takes the largest range of the user, by name or number")
  func ranges() {
    let text = "ann:100000:65536\nbob:1:2\n1000:200000:131072\nann:x:9\nann:5\n:::\n"
    #expect(SubordinateRange.largest(in: text, name: "ann", uid: 1)?.argument == "100000:65536")
    #expect(SubordinateRange.largest(in: text, name: "ann", uid: 1000)?.argument == "200000:131072")
    #expect(SubordinateRange.largest(in: text, name: nil, uid: 7) == nil)
  }
}

@Suite("A probe")
struct SandboxProbeTests {
  @Test("answers every question, with advice for what is refused")
  func answers() {
    let findings = SandboxProbe.run()
    #expect(
      findings.map(\.name) == ["user", "user-namespace", "namespaces", "network", "overlay", "many-layers", "seccomp"]
    )
    for finding in findings where !finding.ok { #expect(finding.hint != nil) }
  }

  @Test("leaves nothing behind")
  func nothingLeft() {
    let bench = Bench()
    _ = SandboxProbe.run(directory: bench.directory)
    #expect(Bench.paths(in: bench.directory) == ["mount"])
  }

  @Test("says which directory can't be used")
  func missingDirectory() {
    let findings = SandboxProbe.run(directory: "/no/where")
    #expect(findings.map(\.ok) == [false])
    #expect(findings.first?.detail.contains("/no/where") == true)
  }
}

@Suite("A report of the init")
struct SandboxReportTests {
  @Test(
    "is read from its first line",
    arguments: [
      ("exited 3\n", SandboxReport.ended(.exited(3))),
      ("signalled 9\n", .ended(.signalled(9))),
      (
        "failed workdir 2 /a b\nexited 125\n",
        .failed(step: "workdir", error: Errno(rawValue: 2), detail: "/a b")
      ),
      ("", .missing), ("exited\n", .missing), ("nonsense", .missing),
    ]
  )
  func read(text: String, expected: SandboxReport) {
    #expect(SandboxReport(Array(text.utf8)) == expected)
  }

  @Test(
    "becomes a failure with a reason that is stable",
    arguments: [
      ("failed user 22 7:7", "sandbox-user-unmapped"), ("failed namespace 1 process", "sandbox-namespace"),
      ("failed overlay 22 /upper", "sandbox-overlay"), ("failed layers 7 mount options", "sandbox-too-many-layers"),
      ("failed bind 2 /x", "sandbox-mount"), ("failed pivot 22 pivot_root", "sandbox-pivot"), ("", "sandbox-died"),
    ]
  )
  func reasons(text: String, reason: String) {
    #expect { try SandboxReport(Array(text.utf8)).status() } throws: { ($0 as? Failure)?.reason == reason }
  }
}
