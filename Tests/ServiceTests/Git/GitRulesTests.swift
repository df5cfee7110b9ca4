import Diagnostics
import Git
import Storage
import Testing

@testable import Service

@Suite("A git source")
struct GitRulesTests {
  private static let rules = GitRules()

  @Test(
    "is kept as it was asked for, and a reference or folder in the address counts like one beside it",
    arguments: [
      ("https://h/x.git", "", "", "", ""), ("https://h/x.git", "v1", "./web//app/", "v1", "web/app"),
      ("http://127.0.0.1:80/x.git", "refs/pull/7/head", ".", "refs/pull/7/head", ""),
      ("https://h/x.git#v2:api", "", "", "v2", "api"), ("https://h/x.git#v2:api", "v2", "api", "v2", "api"),
      (
        "https://h/x.git", "0123456789012345678901234567890123456789", "", "0123456789012345678901234567890123456789",
        ""
      ),
    ])
  func kept(url: String, reference: String, directory: String, keptReference: String, keptDirectory: String) throws {
    let source = try Self.rules.source(url: url, reference: reference, directory: directory)
    #expect(source == GitBuildSource(url: url, reference: keptReference, directory: keptDirectory))
  }

  @Test(
    "is refused at once when it can never be fetched",
    arguments: [
      ("", "", "", "git-url-missing"), ("https://h/x.git", "a b", "", "git-reference-invalid"),
      ("https://h/x.git", "-v", "", "git-reference-invalid"), ("https://h/x.git", "a..b", "", "git-reference-invalid"),
      ("https://h/x.git", "a\n", "", "git-reference-invalid"), ("https://h/x.git", "", "../x", "git-directory-invalid"),
      ("https://h/x.git", "", "/etc", "git-directory-invalid"),
      ("https://h/x.git", "", "a\0b", "git-directory-invalid"),
      ("https://h/x.git#v1", "v2", "", "git-source-ambiguous"),
      ("https://h/x.git#v1:a", "v1", "b", "git-source-ambiguous"),
      ("https://me:secret-word@h/x.git", "", "", "git-address-credentials"),
    ])
  func refused(url: String, reference: String, directory: String, reason: String) {
    let failure = #expect(throws: Failure.self) {
      try Self.rules.source(url: url, reference: reference, directory: directory)
    }
    #expect(failure?.reason == reason && failure?.code == .invalidArgument)
    #expect(failure?.hint != nil && failure?.description.contains("secret-word") == false)
  }

  @Test(
    "is refused when its transport is unknown",
    arguments: [
      "ext::sh -c true", "ftp://h/x.git", "fd::3", "-u", "https://h", "https://h/x\u{1b}[2J.git", "https://h/%0ax",
    ])
  func transports(url: String) {
    let failure = #expect(throws: Failure.self) { try Self.rules.source(url: url, reference: "", directory: "") }
    #expect(failure?.code == .invalidArgument)
  }

  @Test(
    "this machine's own repositories and keys are for builds only where the server was told so",
    arguments: ["file:///srv/x.git", "/srv/x.git", "../x", "ssh://git@h/x.git", "git@h:x.git"])
  func local(url: String) throws {
    let failure = #expect(throws: Failure.self) { try Self.rules.source(url: url, reference: "", directory: "") }
    #expect(failure?.reason == "git-transport-refused" && failure?.hint?.contains("--allow-git") == true)
    let open = GitRules(allowsLocal: true, allowsSSH: true)
    #expect(try open.source(url: url, reference: "", directory: "").url == url)
  }

  @Test("what the rules allow of this machine, and no more, a fetch may use, submodules included")
  func transports() {
    #expect(GitRules().transports == [.https, .http])
    #expect(GitRules(allowsLocal: true).transports == [.https, .http, .file])
    #expect(GitRules(allowsSSH: true).transports == [.https, .http, .ssh])
  }

  @Test(
    "is fetched with submodules and .git where its address says so, and as the rules allow",
    arguments: [
      ("", false, false), ("?submodules=true", true, false), ("?keep-git-dir=true", false, true),
      ("?submodules=true&keep-git-dir=true", true, true), ("?submodules=false&keep-git-dir=false", false, false),
    ])
  func order(query: String, submodules: Bool, gitDirectory: Bool) throws {
    let rules = GitRules(allowsSSH: true)
    let source = try rules.source(url: "https://h/x.git\(query)", reference: "v1", directory: "")
    let order = try rules.order(source, credentials: nil, scope: "acme")
    #expect(order.includesSubmodules == submodules && order.keepsGitDirectory == gitDirectory)
    #expect(order.reference == "v1" && order.scope == "acme" && order.transports == [.https, .http, .ssh])
  }

  @Test("its credentials have a place of their own, which the refusal names")
  func credentials() {
    let failure = #expect(throws: Failure.self) {
      try Self.rules.source(url: "https://me:secret-word@h/x.git", reference: "", directory: "")
    }
    #expect(failure?.hint?.contains("SaveBuildSecrets git_credentials") == true)
  }
}
