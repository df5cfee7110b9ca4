import Diagnostics
import Dockerfile
import Testing

@Suite struct MountTests {
  private func mount(_ flag: String) throws(Failure) -> Mount {
    try Mount(flag: flag) { (word) throws(Failure) in
      try Expansion.expand(word, lookup: { ["ID": "7", "DIR": "/d"][$0] })
    }
  }

  @Test("a cache is writable and named after its target")
  func cache() throws {
    let mount = try mount("type=cache,target=${DIR}/c,sharing=locked,uid=$ID,gid=8,mode=0750,from=x,source=/s")
    #expect(mount.kind == .cache && mount.target == "/d/c" && mount.id == "/d/c" && !mount.isReadOnly)
    #expect(mount.sharing == .locked && mount.userID == 7 && mount.groupID == 8 && mount.mode == 0o750)
    #expect(mount.from == "x" && mount.source == "/s")
  }

  @Test("a bind is read-only unless told otherwise, and the type may come last")
  func bind() throws {
    #expect(try mount("target=/a").isReadOnly)
    #expect(try !mount("dst=/a,rw").isReadOnly)
    #expect(try !mount("dst=/a,readonly=false").isReadOnly)
    #expect(try mount("size=64m,target=/t,type=tmpfs").sizeLimit == .mebibytes(64))
    #expect(try mount("\"target=/a,b\",rw=false").target == "/a,b")
  }

  @Test(
    "a secret gets its usual place unless it is only a variable",
    arguments: [
      ("type=secret,id=s", "s", "/run/secrets/s"), ("type=secret,src=a/b", "a/b", "/run/secrets/b"),
      ("type=secret,target=/x/y", "y", "/x/y"), ("type=secret,id=s,env=E", "s", nil),
      ("type=secret,id=s,env=E,dst=/z", "s", "/z"), ("type=ssh", "default", nil),
    ]
  )
  func secret(_ flag: String, _ id: String, _ target: String?) throws {
    let mount = try mount(flag)
    #expect(mount.id == id && mount.target == target && mount.isReadOnly)
  }

  @Test(
    "a size is read in binary multiples",
    arguments: [
      ("512", 512), ("1b", 1), ("2k", 2048), ("1.5GiB", 1_610_612_736), ("3MB", 3_145_728), ("x", nil), ("1x", nil),
      ("", nil), ("9999999999p", nil), ("-1", nil),
    ] as [(String, Int64?)]
  )
  func sizes(_ text: String, _ bytes: Int64?) {
    let mount = try? mount("type=tmpfs,target=/t,size=\(text)")
    #expect(mount?.sizeLimit?.bytes == bytes)
  }

  @Test(
    "a wrong option says what is allowed",
    arguments: [
      ("type=secret", "write --mount=type=secret,id=NAME"), ("type=bind,target=/a,sorce", "did you mean \"source\"?"),
      ("type=cache,target=/a,sharing=none", "allowed: shared, private, locked"),
      ("type=bind,target=/a,required", "it applies to secret, ssh"),
      ("type=cache,target=/a,uid=-1", "allowed: a number"),
      ("type=cache,target=/a,mode=9", "allowed: an octal mode such as 0400"), ("\"target=/a", "close the quote"),
      ("target=", "add target=/path to the mount"), ("type", "allowed: bind, cache, tmpfs, secret, ssh"),
    ]
  )
  func wrong(_ flag: String, _ hint: String) {
    #expect { try mount(flag) } throws: { ($0 as? Failure)?.hint == hint }
  }
}
