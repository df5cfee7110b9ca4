import Diagnostics
import Testing

@testable import Git

@Suite struct SubmoduleListTests {
  @Test("what git writes is read: quotes, escapes, comments, other keys and sections") func reads() throws {
    let list = try SubmoduleList(
      parsing: """
        # ours
        [submodule "libs/a \\"b\\""]
        \tpath = libs/a
        \turl = https://git.example.org/a.git ; where it is
        \tbranch = main
        [core]
        \tpath = elsewhere
        [submodule "two"]
          path = "with # sign"
          url = ../two.git\r
        """)
    #expect(list.entry(at: "libs/a")?.url == "https://git.example.org/a.git")
    #expect(list.entry(at: "libs/a")?.name == "libs/a \"b\"")
    #expect(list.entry(at: "with # sign")?.url == "../two.git")
    #expect(list.entry(at: "elsewhere") == nil)
  }

  @Test("a file written on Windows says the same") func windows() throws {
    let text = "[submodule \"two\"]\r\n\tpath = \"libs/two\"\r\n\turl = ../two.git ; here\r\n# end\r\n"
    let list = try SubmoduleList(parsing: text)
    #expect(list.entries == [SubmoduleList.Entry(name: "two", path: "libs/two", url: "../two.git")])
  }

  @Test(
    "names, paths and URLs that were attacks are refused",
    arguments: [
      "[submodule \"../../x\"]", "[submodule \"a/../../x\"]", "[submodule \"..\\\\x\"]", "[submodule \"\"]",
      "[submodule \"-x\"]", "[submodule \"x]", "[submodule x]", "[submodule \"a\"]\npath = a\rb",
      "[submodule \"a\"]\npath = ../x", "[submodule \"a\"]\npath = /etc", "[submodule \"a\"]\npath = a/.git/hooks",
      "[submodule \"a\"]\npath = -x", "[submodule \"a\"]\npath = a/../b", "[submodule \"a\"]\npath =",
      "[submodule \"a\"]\nurl = --upload-pack=touch x", "[submodule \"a\"]\nurl = \"x",
      "[submodule \"a\"]\npath = \"a\r\"",
      "[submodule \"a\"]\npath = a\\nb", "[submodule \"a/../\u{301}x\"]", "[submodule \"-\u{301}x\"]",
      "[submodule \"a\"]\npath = ../\u{301}x", "[submodule \"a\"]\r\npath = a\rb\r\n",
    ])
  func attacks(text: String) throws {
    let error = #expect(throws: Failure.self) { try SubmoduleList(parsing: text) }
    #expect(error?.reason == "git-submodules-invalid")
  }

  @Test(
    "relative addresses count from the parent's, and nothing leads to this machine",
    arguments: [
      ("../two.git", "https://git.example.org/team/two.git"),
      ("./two.git", "https://git.example.org/team/one.git/two.git"),
      ("../../other/two.git", "https://git.example.org/other/two.git"),
      ("https://else.example.org/x.git", "https://else.example.org/x.git"),
    ])
  func addresses(url: String, expected: String) throws {
    let parent = try GitAddress(parsing: "https://git.example.org/team/one.git")
    #expect(
      try SubmoduleAddress.resolve(url, parent: parent, path: "two", allowed: [.https, .http]).url == expected)
  }

  @Test(
    "whoever wrote the commit does not decide that keys or files of this machine are used",
    arguments: ["ssh://git@git.example.org/x.git", "git@git.example.org:x.git"])
  func keys(url: String) throws {
    let parent = try GitAddress(parsing: "https://git.example.org/team/one.git")
    let error = #expect(throws: Failure.self) {
      try SubmoduleAddress.resolve(url, parent: parent, path: "two", allowed: [.https, .http])
    }
    #expect(error?.reason == "git-transport-refused" && error?.message.contains("'two'") == true)
    let open = try SubmoduleAddress.resolve(url, parent: parent, path: "two", allowed: [.https, .ssh])
    #expect(open.transport == .ssh)
  }

  @Test(
    "addresses a commit must not lead to are refused",
    arguments: [
      "file:///etc", "/etc", "ext::sh -c touch% x", "fd::3", "ftp://x.example.org/a.git", "../../../../x.git",
      "http://git.example.org/x.git", "https://git.example.org/x.git#main", "-oProxyCommand=x", "ssh://-oProxy/x",
      "https://git.example.org/%0ahost=evil/x.git", "https://user:s3cr3t@git.example.org/x.git",
    ])
  func refused(url: String) throws {
    let parent = try GitAddress(parsing: "https://git.example.org/team/one.git")
    let error = #expect(throws: Failure.self) {
      try SubmoduleAddress.resolve(url, parent: parent, path: "two", allowed: GitAddress.Transport.every)
    }
    #expect(error?.reason == "git-submodule-address")
    #expect(error?.description.contains("s3cr3t") == false)
  }

  @Test("credentials stay with the server they are for") func credentials() throws {
    let owner = try GitAddress(parsing: "https://git.example.org/team/one.git")
    let mine = GitCredentials(username: "u", password: "p")
    func sent(_ url: String) throws -> Bool {
      SubmoduleAddress.credentials(mine, of: owner, for: try GitAddress(parsing: url)) != nil
    }
    #expect(try sent("https://git.example.org/other.git"))
    #expect(try !sent("https://else.example.org/other.git"))
    #expect(try !sent("http://git.example.org/other.git"))
    #expect(try !sent("https://git.example.org:8443/other.git"))
  }
}
