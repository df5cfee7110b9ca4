import Diagnostics
import Testing

@testable import Git

@Suite("Addresses of git repositories")
struct AddressTests {
  private static let commit = String(repeating: "ab", count: 20)

  @Test(
    "addresses are read as people write them",
    arguments: [
      ("https://Host.example/a/b.git", "https://host.example/a/b.git"),
      ("HTTPS://host.example:443/a", "https://host.example/a"),
      ("http://127.0.0.1:8080/a.git", "http://127.0.0.1:8080/a.git"),
      ("https://[::1]:8443/a", "https://[::1]:8443/a"),
      ("github.com/acme/site", "https://github.com/acme/site"),
      ("ssh://git@host.example:2222/a/b.git", "ssh://git@host.example:2222/a/b.git"),
      ("ssh://host.example/~me/a", "ssh://host.example/~me/a"),
      ("git@host.example:a/b.git", "git@host.example:a/b.git"),
      ("host.example:/srv/a b.git", "ssh://host.example/srv/a%20b.git"),
      ("git@[::1]:a", "git@[::1]:a"), ("ssh://h:22/a%2523", "ssh://h/a%2523"), ("git@h:~me/a", "ssh://git@h/~me/a"),
      ("file:///srv/a%20b.git", "/srv/a b.git"),
      ("file://localhost/srv/a.git", "/srv/a.git"),
      ("/srv/a.git", "/srv/a.git"), ("./a", "./a"), ("../a:b", "../a:b"), ("a", "a"),
    ])
  func read(text: String, url: String) throws {
    let address = try GitAddress(parsing: text)
    #expect(address.url == url)
    #expect(try GitAddress(parsing: url) == address)
  }

  @Test("scp's form keeps a path relative to the home directory")
  func relative() throws {
    #expect(try GitAddress(parsing: "git@host:a/b").path == "a/b")
    #expect(try GitAddress(parsing: "git@host:/a/b").path == "/a/b")
    #expect(try GitAddress(parsing: "git@host:22/b").port == nil)
    #expect(try GitAddress(parsing: "ssh://git@host/a/b").path == "/a/b")
  }

  @Test("Kaniko's git:// is a transport to be chosen")
  func kaniko() throws {
    let text = "git://host.example/acme/site.git#refs/heads/main#\(Self.commit)"
    let address = try GitAddress(parsing: text)
    #expect(address.url == "https://host.example/acme/site.git")
    #expect(address.reference == "refs/heads/main")
    #expect(address.commit?.hex == Self.commit)
    #expect(try GitAddress(parsing: text, pullMethod: .http).transport == .http)
  }

  @Test(
    "query and fragment",
    arguments: [
      ("#main", "main", nil), ("#:web", nil, "web"), ("#v1:web/./app/", "v1", "web/app"), ("#", nil, nil),
      ("?branch=x", "refs/heads/x", nil), ("?tag=v1&subdir=a%2Fb", "refs/tags/v1", "a/b"),
      ("?ref=pull/42/head", "refs/pull/42/head", nil), ("#pull/7/merge", "refs/pull/7/merge", nil),
      ("?ref=main#:web", "main", "web"), ("?", nil, nil),
    ] as [(String, String?, String?)])
  func additions(text: String, reference: String?, folder: String?) throws {
    let address = try GitAddress(parsing: "https://h/a.git" + text)
    #expect(address.reference == reference)
    #expect(address.subdirectory == folder)
    #expect(address.url == "https://h/a.git")
    #expect(address.identity == "https://h/a.git")
  }

  @Test("switches and the commit of the query form")
  func switches() throws {
    let address = try GitAddress(
      parsing: "https://h/a.git?commit=\(Self.commit)&submodules=false&keep-git-dir=1")
    #expect(address.commit?.hex == Self.commit)
    #expect(address.includesSubmodules == false)
    #expect(address.keepsGitDirectory == true)
  }

  @Test(
    "what is dangerous or makes no sense is refused",
    arguments: [
      ("", "git-address-empty"), ("https://h", "git-address-syntax"), ("https://h/", "git-address-syntax"),
      ("https:///a", "git-address-syntax"), ("https://-oProxyCommand=x/a", "git-address-syntax"),
      ("ssh://-oProxyCommand=x/a", "git-address-syntax"), ("-oProxyCommand=x:a", "git-address-syntax"),
      ("git@-x:a", "git-address-syntax"), ("-u@host:a", "git-address-syntax"), ("git@host:-x", "git-address-syntax"),
      ("--upload-pack=x", "git-address-syntax"), ("ssh://-l@host/a", "git-address-syntax"),
      ("https://h/a%0Ahost=other", "git-address-syntax"), ("https://h\r/a", "git-address-syntax"),
      ("https://h/a\nb", "git-address-syntax"), ("git@h%0d:a\u{0}", "git-address-syntax"),
      ("https://h%2F/a", "git-address-syntax"), ("https://hö/a", "git-address-syntax"),
      ("https://h:0/a", "git-address-syntax"), ("https://h:99999/a", "git-address-syntax"),
      ("https://h:+1/a", "git-address-syntax"),
      ("file://server/a", "git-address-syntax"), ("ssh://host/", "git-address-syntax"),
      ("ext::sh -c x", "git-address-transport"), ("fd::7", "git-address-transport"),
      ("ftp://h/a", "git-address-transport"), ("ext://h/a", "git-address-transport"),
      ("git://h:9418/a", "git-address-transport"),
      ("https://h/a#x..y", "git-address-syntax"), ("https://h/a#--x", "git-address-syntax"),
      ("https://h/a?ref=a&branch=b", "git-address-syntax"), ("https://h/a?ref=a#b", "git-address-syntax"),
      ("https://h/a?commit=abc", "git-address-syntax"), ("https://h/a#main#abc", "git-address-syntax"),
      ("https://h/a?submodules=maybe", "git-address-syntax"),
      ("https://h/a#:/etc", "git-address-folder"), ("https://h/a#:../x", "git-address-folder"),
      ("https://h/a?subdir=a/../../b", "git-address-folder"), ("ssh://me:word@host/a", "git-address-credentials"),
    ])
  func refused(text: String, reason: String) {
    let failure = #expect(throws: Failure.self) { try GitAddress(parsing: text, userinfo: .allowed) }
    #expect(failure?.reason == reason)
    #expect(failure?.description.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" } == false)
  }

  @Test("user and password are secret wherever they stand")
  func secrets() throws {
    let allowed = try GitAddress(parsing: "https://me:s3cr%40et@h/a#main", userinfo: .allowed)
    #expect(allowed.credentials == GitCredentials(username: "me", password: "s3cr@et"))
    for text in [allowed.url, allowed.display, allowed.identity] { #expect(!text.contains("s3cr")) }
    let wrong = [
      "https://me:s3cret@h/a", "https://me:s3cret@h:x/a", "https://h/a?token=s3cret", "ssh://me:s3cret@h/a",
      "https://me:s3cret@h", "ftp://s3cret@h/a", "https:me:s3cret@h/a\n", "https://s3cret@h/a?private_token=s3cret",
      "https://me:s3cret@\u{301}h/a", "ssh://me:s3cret@\u{301}h/a", "https:/\u{301}/me:s3cret@h/a",
      "ftp://h/a?\u{301}token=s3cret", "https://me:s3cret@h\u{200D}/a?\u{20DD}x=s3cret", "me:s3cret@\u{301}h:a",
      "https://me:\(String(repeating: "s3cret", count: 400))@h/a",
    ]
    for text in wrong {
      let failure = #expect(throws: Failure.self) { try GitAddress(parsing: text) }
      #expect(failure?.description.contains("s3cret") == false)
    }
  }

  @Test(
    "what is taken for git",
    arguments: [
      ("https://h/a.git", true), ("https://h/a.git#main", true), ("https://h/a.git?tag=v1", true),
      ("https://h/a", false), ("https://h/a.git.tar", false), ("http://h.git", false), ("git://h/a", true),
      ("ssh://h/a", true), ("git@h:a", true), ("github.com/a/b", true), ("./git@h:a", false), ("a.git", false),
      ("/srv/a.git", false), ("a/b@c:d", false), ("notgithub.com/a/b", false), ("git@h:", false),
    ])
  func isGit(text: String, expected: Bool) { #expect(GitAddress.isGit(text) == expected) }

  @Test(
    "names of references follow git-check-ref-format",
    arguments: [
      ("main", true), ("refs/heads/a/b", true), ("a-b_c.d", true), ("ä", true), ("@a", true), ("a@b", true),
      ("", false), ("@", false), ("-a", false), ("a..b", false), (".a", false), ("a/.b", false), ("a.lock", false),
      ("a.lock/b", false), ("a//b", false), ("/a", false), ("a/", false), ("a.", false), ("a@{b", false),
      ("a b", false), ("a~1", false), ("a^", false), ("a:b", false), ("a?", false), ("a*", false), ("a[", false),
      ("a\\b", false), ("a\u{7F}", false), ("a\nb", false),
    ])
  func names(name: String, isValid: Bool) { #expect(ReferenceName.isValid(name) == isValid) }
}
