import Foundation
import OCI
import TestSupport
import Testing

@Suite("ADD from the network")
struct AddTests {
  @Test("fetches files with their times, through redirects, by their names and sums")
  func files() async throws {
    try await Kitchen.run { kitchen in
      try kitchen.folder.write("fetched\n", to: "web/name.txt")
      try kitchen.folder.write("private\n", to: "web/private/p")
      let times = [FileAttributeKey.modificationDate: Date(timeIntervalSince1970: 784_111_777)]
      try FileManager.default.setAttributes(times, ofItemAtPath: kitchen.folder.path("web/name.txt"))
      let packed = try await Tool("tar").run(
        [
          "-C", kitchen.folder.path("web"), "--owner=3", "--group=4", "-czf", kitchen.folder.path("web/a.tgz"),
          "private",
        ])
      try #require(packed.status == 0, "\(packed.all)")
      let web = try WebServer(folder: kitchen.folder.path("web"))
      defer { web.stop() }
      let sum = Digest(sha256Of: Array("fetched\n".utf8))
      let dockerfile = """
        FROM busybox
        ARG WEB
        ADD --checksum=\(sum) $WEB/away/name.txt /one/
        ADD $WEB/a.tgz /
        ADD --unpack=true --chown=9 $WEB/a.tgz /two
        ADD --link --chmod=u=rw,go=r $WEB/name.txt?x=y /tmp/
        ADD http://me:a%20b@\(web.address.dropFirst(7))/private/p /three
        RUN test "$(stat -c %Y /one/name.txt)" = 784111777
        """
      let image = try await kitchen.image(dockerfile, ["--build-arg", "WEB=\(web.address)"])
      #expect(
        image.layers.dropFirst().map(\.entries) == [
          ["drwxr-xr-x 0/0 one/", "-rw------- 0/0 one/name.txt"], ["-rw------- 0/0 a.tgz"],
          ["drwxr-xr-x 9/9 two/", "drwxr-xr-x 9/9 two/private/", "-rw-r--r-- 9/9 two/private/p"],
          // Linked: nothing is known of the base's /tmp.
          ["drwxr-xr-x 0/0 tmp/", "-rw-r--r-- 0/0 tmp/name.txt"], ["-rw------- 0/0 three"], [],
        ])
      let again = try await kitchen.build(dockerfile, ["--build-arg", "WEB=\(web.address)"])
      #expect(again.succeeded && again.log.contains("cached"), "\(again.log)")
      try kitchen.folder.write("changed\n", to: "web/name.txt")
      let changed = try await kitchen.build(dockerfile, ["--build-arg", "WEB=\(web.address)"])
      #expect(!changed.succeeded)
      #expect(changed.log.contains("'\(web.address)/away/name.txt' is 'sha256:"), "\(changed.log)")
      #expect(changed.log.contains("where --checksum says '\(sum)'"))
    }
  }

  @Test("an unchanged file is not sent again, a changed one is, and --no-cache wants it anew")
  func conditional() async throws {
    try await Kitchen.run { kitchen in
      func publish(_ text: String, at seconds: Double) throws {
        try kitchen.folder.write(text, to: "web/f")
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: kitchen.folder.path("web/f"))
      }
      try publish("first\n", at: 1_000_000_000)
      let web = try WebServer(folder: kitchen.folder.path("web"))
      defer { web.stop() }
      let dockerfile = "FROM busybox\nADD \(web.address)/f /f\nRUN cat /f\n"
      let line = "downloaded \(web.address)/f: "
      let first = try await kitchen.build(dockerfile)
      #expect(first.log.contains(line + "6 B") && first.printed == ["first"], "\(first.log)")
      let second = try await kitchen.build(dockerfile + "RUN cat /f\n")
      #expect(!second.log.contains(line) && second.printed == ["first"], "\(second.log)")
      let anew = try await kitchen.build(dockerfile, ["--no-cache"])
      #expect(anew.log.contains(line) && anew.printed == ["first"], "\(anew.log)")
      try publish("second\n", at: 1_000_000_060)
      let changed = try await kitchen.build(dockerfile)
      #expect(changed.log.contains(line + "7 B") && changed.printed == ["second"], "\(changed.log)")
      // What is kept and damaged is not used.
      for body in try Self.keptBodies(kitchen.server.data) { try Data("secant\n".utf8).write(to: body) }
      let damaged = try await kitchen.build(dockerfile + "RUN cat /f; true\n")
      #expect(damaged.log.contains(line + "7 B") && damaged.printed == ["second"], "\(damaged.log)")
    }
  }

  private static func keptBodies(_ data: String) throws -> [URL] {
    let folder = URL(fileURLWithPath: data + "/cache/urls/dev")
    let kept = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    return kept.map { $0.appendingPathComponent("body") }
  }

  @Test("says why a file cannot be fetched, without the password in the URL")
  func failures() async throws {
    try await Kitchen.run { kitchen in
      try kitchen.folder.write("x", to: "web/private/p")
      let web = try WebServer(folder: kitchen.folder.path("web"))
      let port = web.port
      for (line, words) in [
        ("ADD \(web.address)/none /", "'\(web.address)/none' cannot be fetched: the server answered 404"),
        ("ADD $URL /", "'\(web.address)/private/p' cannot be fetched: the server answered 401"),
        ("ADD \(web.address)/ /x/", "the URL names no file"),
      ] {
        let built = try await kitchen.build(
          "FROM busybox\nARG URL\n\(line)\n", ["--build-arg", "URL=http://me:hidden@127.0.0.1:\(port)/private/p"])
        #expect(!built.succeeded)
        #expect(built.log.contains(words), "\(built.log)")
        #expect(!built.log.contains("hidden"))
      }
      web.stop()
      let gone = try await kitchen.build("FROM busybox\nADD \(web.address)/x /\n")
      #expect(!gone.succeeded)
      #expect(gone.log.contains("127.0.0.1:\(port)"), "\(gone.log)")
    }
  }

  @Test("puts the files of a commit into the destination, by branch, folder and commit")
  func repositories() async throws {
    try await Kitchen.run { kitchen in
      let workshop = try await GitWorkshop(kitchen.folder.path("work"))
      let first = try await workshop.commit(["README": "one\n", "src/a": "a\n"])
      try await workshop.git("tag", "v1")
      let second = try await workshop.commit(["src/b": "b\n"])
      try await workshop.publish(to: kitchen.folder.path("served/x.git"))
      let git = try await GitServer(folder: kitchen.folder.path("served"))
      let url = git.url("x.git")
      let image = try await kitchen.image(
        """
        FROM busybox
        ADD \(url) /head
        ADD --checksum=\(first) --chown=4:5 \(url)#v1:src /v1
        ADD --exclude=src --chmod=go= \(url)#\(second) /
        ADD --keep-git-dir \(url) /kept
        RUN grep -q \(second) /kept/.git/HEAD /kept/.git/shallow
        """)
      let entries = image.layers.dropFirst().map(\.entries)
      #expect(
        entries.prefix(3) == [
          [
            "drwxr-xr-x 0/0 head/", "-rw-r--r-- 0/0 head/README", "drwxr-xr-x 0/0 head/src/",
            "-rw-r--r-- 0/0 head/src/a", "-rw-r--r-- 0/0 head/src/b",
          ], ["drwxr-xr-x 4/5 v1/", "-rw-r--r-- 4/5 v1/a"], ["-rw------- 0/0 README"],
        ])
      #expect(entries[3].contains("drwxr-xr-x 0/0 kept/.git/"))
      for (line, words) in [
        ("ADD --checksum=\(second) \(url)#v1 /", "'\(url)#v1' is '\(first)', where --checksum says '\(second)'"),
        ("ADD \(url)#none /", "none"), ("ADD git@localhost:x.git /", "needs the ssh keys"),
        ("ADD \(git.url("y.git")) /", "y.git"),
      ] {
        let built = try await kitchen.build("FROM busybox\n\(line)\n")
        #expect(!built.succeeded)
        #expect(built.log.contains(words), "\(built.log)")
      }
      await git.stop()
    }
  }
}
