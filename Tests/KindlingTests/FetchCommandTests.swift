import ArgumentParser
import Diagnostics
import Git
import Testing

@testable import kindling

@Suite("kindling fetch")
struct FetchCommandTests {
  private func order(_ words: [String], _ environment: [String: String] = [:]) throws -> GitTreeOrder {
    try FetchCommand.parse([words[0], "target"] + words.dropFirst()).order(environment)
  }

  @Test(
    "takes reference and directory from its options or from the address",
    arguments: [
      (["https://h/x.git"], "", ""), (["https://h/x.git#v1:web"], "v1", "web"),
      (["https://h/x.git", "--ref", "v1", "--dir", "web"], "v1", "web"),
      (["https://h/x.git#v1", "--ref", "v1", "--dir", "web"], "v1", "web"),
      (
        ["git://h/x.git#refs/heads/a#0123456789012345678901234567890123456789"],
        "0123456789012345678901234567890123456789", ""
      ),
    ])
  func places(words: [String], reference: String, directory: String) throws {
    let order = try order(words)
    #expect(order.reference == reference && order.directory == directory)
    #expect(order.address.url == "https://h/x.git")
  }

  @Test("refuses a limit that git has not, before anything is asked of anybody")
  func limits() async throws {
    let command = try FetchCommand.parse(["https://h.invalid/x.git", "out", "--git-limit", "object-sizes=1GiB"])
    let failure = await #expect(throws: CommandFailure.self) { try await command.run() }
    #expect(failure?.failure.reason == "git-limit-unknown")
    #expect(failure?.failure.hint?.contains("object-size,") == true)
  }

  @Test("refuses an option that contradicts the address")
  func ambiguous() {
    for words in [["https://h/x.git#v1", "--ref", "v2"], ["https://h/x.git#:web", "--dir", "api"]] {
      let failure = #expect(throws: Failure.self) { try order(words) }
      #expect(failure?.reason == "git-source-ambiguous")
    }
  }

  @Test(
    "credentials come from the environment",
    arguments: [
      ([:], nil, nil), (["GIT_USERNAME": "me"], nil, nil), (["GIT_PASSWORD": ""], nil, nil),
      (["GIT_USERNAME": "me", "GIT_PASSWORD": "p"], "me", "p"), (["GIT_TOKEN": "t"], "x-access-token", "t"),
      (["GIT_USERNAME": "me", "GIT_TOKEN": "t", "GIT_PASSWORD": "p"], "me", "t"),
    ] as [([String: String], String?, String?)])
  func environment(environment: [String: String], username: String?, password: String?) throws {
    let found = try order(["https://h/x.git"], environment).credentials
    #expect(found?.username == username && found?.password == password)
  }

  @Test("credentials in the address win, and stand in no text of it")
  func userinfo() throws {
    let order = try order(["https://me:p%40ss@h/x.git"], ["GIT_TOKEN": "t"])
    #expect(order.credentials?.username == "me" && order.credentials?.password == "p@ss")
    #expect(order.address.url == "https://h/x.git" && order.address.display == "https://h/x.git")
    #expect(!"\(order)".contains("p@ss") && !"\(order)".contains("p%40ss"))
  }

  @Test("git:// goes over what GIT_PULL_METHOD says")
  func pullMethod() throws {
    #expect(try order(["git://h/x.git"], ["GIT_PULL_METHOD": "http"]).address.url == "http://h/x.git")
    let failure = #expect(throws: Failure.self) { try order(["git://h/x.git"], ["GIT_PULL_METHOD": "ftp"]) }
    #expect(failure?.reason == "git-pull-method-unknown")
  }
}
