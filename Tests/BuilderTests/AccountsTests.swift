import Diagnostics
import SystemPackage
import Testing

@testable import Builder

@Suite("Users and groups")
struct AccountsTests {
  let accounts = Accounts(
    passwd: """
      root:x:0:0:root:/root:/bin/sh
      # a comment
      builder:x:1000:1001:builder:/home/builder:/bin/sh
      homeless:x:1002:1002:::
      1003:x:2003:2004::/number:
      broken:x:notanumber:1
      """,
    group: "root:x:0:\nbuilders:x:1001:\naudio:x:29:root,builder\nvideo:x:44:builder\n77:x:78:\n")

  @Test(
    "USER means",
    arguments: [
      ("", 0, 0, [29], "/root"), ("root", 0, 0, [29], "/root"), ("0", 0, 0, [29], "/root"),
      ("builder", 1000, 1001, [29, 44], "/home/builder"), ("1000", 1000, 1001, [29, 44], "/home/builder"),
      ("builder:audio", 1000, 29, [], "/home/builder"), ("builder:7", 1000, 7, [], "/home/builder"),
      ("4242", 4242, 0, [], "/"), ("4242:4343", 4242, 4343, [], "/"), ("homeless", 1002, 1002, [], "/"),
      ("1003", 2003, 2004, [], "/number"), ("0:77", 0, 77, [], "/root"), ("root:77", 0, 78, [], "/root"),
      ("1003:5", 1003, 5, [], "/"),
      ("builder:", 1000, 1001, [29, 44], "/home/builder"), (":29", 0, 29, [], "/root"),
      ("4294967294", 4_294_967_294, 0, [], "/"),
    ] as [(String, UInt32, UInt32, [UInt32], String)])
  func users(spec: String, uid: UInt32, gid: UInt32, supplementary: [UInt32], home: String) throws {
    let user = try accounts.user(spec)
    #expect(user == Accounts.User(uid: uid, gid: gid, supplementary: supplementary, home: home))
  }

  @Test(
    "--chown means",
    arguments: [
      ("builder", 1000, 1001), ("1000", 1000, 1000), ("55", 55, 55), ("55:66", 55, 66), ("builder:root", 1000, 0),
      ("1000:audio", 1000, 29), ("0", 0, 0), ("root", 0, 0), ("1003", 1003, 1003), ("1003:audio", 1003, 29),
      ("builder:77", 1000, 77), ("1000:", 1000, 1000), ("builder:", 1000, 1001), (":audio", 0, 29),
    ] as [(String, UInt32, UInt32)])
  func owners(spec: String, uid: UInt32, gid: UInt32) throws {
    let owner = try accounts.owner(spec)
    #expect(owner == (uid, gid))
  }

  @Test(
    "unknown names and numbers too large are refused",
    arguments: [
      ("nobody", "user-unknown"), ("broken", "user-unknown"), ("-1", "user-unknown"), ("4294967296", "user-unknown"),
      ("builder:nogroup", "group-unknown"), ("1:-1", "group-unknown"),
    ])
  func unknown(spec: String, reason: String) throws {
    #expect(try #require(throws: Failure.self) { try accounts.user(spec) }.reason == reason)
    #expect(try #require(throws: Failure.self) { _ = try accounts.owner(spec) }.reason == reason)
  }

  @Test("without any files, numbers and root still mean something")
  func empty() throws {
    let none = try Accounts(in: RootTree(layers: []))
    #expect(try none.user("root") == Accounts.User(uid: 0, gid: 0, home: "/root"))
    #expect(try none.user("") == Accounts.User(uid: 0, gid: 0, home: "/root"))
    #expect(try none.user("12") == Accounts.User(uid: 12, gid: 0, home: "/"))
  }

  @Test("are read through links inside the root")
  func links() throws {
    let tree = RootTree(
      Entry.directory("etc"), Entry.symlink("etc/passwd", "/usr/passwd"), Entry.directory("usr"),
      Entry.file("usr/passwd", "linked:x:5:6::/five:\n"))
    #expect(try Accounts(in: tree).user("linked") == Accounts.User(uid: 5, gid: 6, home: "/five"))
  }
}
