import Diagnostics
import Testing

@testable import Builder

@Suite("--chmod")
struct ModeChangeTests {
  @Test(
    "does what chmod does",
    arguments: [
      ("0644", 0o755, 0o644, 0o644), ("4711", 0o600, 0o4711, 0o4711), ("0", 0o777, 0, 0),
      ("u+x", 0o644, 0o744, 0o744), ("+x", 0o644, 0o755, 0o755), ("a+x,u-r", 0o644, 0o355, 0o355),
      ("+w", 0o444, 0o644, 0o644), ("go-w", 0o666, 0o644, 0o644), ("=r", 0o777, 0o444, 0o444),
      ("u=rwX,go=rX", 0o600, 0o644, 0o755), ("u=rwX,go=rX", 0o700, 0o755, 0o755), ("a+X", 0o644, 0o644, 0o755),
      ("a+X", 0o645, 0o755, 0o755), ("go=", 0o777, 0o700, 0o700), ("g=u,o=g", 0o640, 0o666, 0o666),
      ("u+s", 0o755, 0o4755, 0o4755), ("g+s", 0o755, 0o2755, 0o2755), ("ug+s,o+t", 0o755, 0o7755, 0o7755),
      ("+t", 0o777, 0o1777, 0o1777), ("u=rwx", 0o4644, 0o744, 0o744), ("u-s", 0o4755, 0o755, 0o755),
      ("u+r-w+x", 0o200, 0o500, 0o500), ("o=u", 0o704, 0o707, 0o707), ("ugo=rwx", 0, 0o777, 0o777),
    ] as [(String, UInt16, UInt16, UInt16)])
  func applies(text: String, before: UInt16, file: UInt16, directory: UInt16) throws {
    let change = try ModeChange(text)
    #expect(change.applied(to: before, isDirectory: false) == file)
    #expect(change.applied(to: before, isDirectory: true) == directory)
    #expect(change.description == text)
  }

  @Test(
    "refuses what is no mode", arguments: ["", "8", "77777", "u", "rwx", "u+y", "u+r,", ",u+r", "x=r", "-1", "0o644"])
  func refuses(text: String) throws {
    let failure = try #require(throws: Failure.self) { try ModeChange(text) }
    #expect(failure.reason == "chmod-invalid")
  }
}
