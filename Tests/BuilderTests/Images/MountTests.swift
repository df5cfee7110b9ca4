import Foundation
import TestSupport
import Testing

@Suite("Mounts of a command")
struct MountTests {
  @Test("show the context, stages and images, and take no word written to them")
  func binds() async throws {
    try await Kitchen.run { kitchen in
      try kitchen.folder.write("one", to: "app/src/one")
      try kitchen.folder.write("two", to: "app/src/sub/two")
      try kitchen.folder.write("secret", to: "app/src/hidden")
      try kitchen.folder.write("src/hidden\n", to: "app/.dockerignore")
      try FileManager.default.createSymbolicLink(
        atPath: kitchen.folder.path("app/link"), withDestinationPath: "src/sub")
      let image = try await kitchen.image(
        """
        FROM busybox AS made
        RUN mkdir /made && echo built > /made/file && ln -s /made /way
        FROM busybox AS never
        RUN exit 1
        FROM busybox
        ARG WHERE=/mnt
        RUN --mount=target=/all test "$(ls -A /all)" = "$(printf '.dockerignore\\nDockerfile\\nlink\\nsrc')" \\
          && test "$(ls /all/src)" = "$(printf 'one\\nsub')" && ! touch /all/x 2>/dev/null
        RUN --mount=type=bind,source=src,dst=$WHERE/a,rw echo more >> /mnt/a/one && echo new > /mnt/a/new
        RUN --mount=type=bind,src=src,destination=/mnt/a,readwrite test "$(cat /mnt/a/one)" = one && test ! -e /mnt/a/new
        RUN --mount=source=src/one,target=one test "$(cat /one)" = one
        RUN --mount=source=link,target=/linked test "$(cat /linked/two)" = two
        RUN --mount=from=MADE,source=/way,target=/x test "$(cat /x/file)" = built && ! touch /x/y 2>/dev/null
        RUN --mount=from=0,source=made/file,target=/x/y,rw echo written > /x/y && cat /x/y > /out
        RUN --mount=from=busybox,target=/base test -x /base/bin/busybox
        RUN --mount=from=scratch,target=/empty,rw test -z "$(ls -A /empty)" && touch /empty/file
        """)
      #expect(
        image.layers.dropFirst().map(\.entries) == [[], [], [], [], [], [], ["-rw-r--r-- 0/0 out"], [], []])
      #expect(try await image.layers[7].text("out") == "written\n")
    }
  }

  @Test("leave no place that was made for them, and what was there as it was")
  func places() async throws {
    try await Kitchen.run { kitchen in
      let image = try await kitchen.image(
        """
        FROM busybox
        RUN mkdir -p -m 711 /opt/there && echo mine > /opt/there/file
        RUN --mount=type=tmpfs,target=/opt/there --mount=type=tmpfs,target=/opt/new/deep touch /opt/there/x /opt/new/deep/y
        RUN --mount=type=tmpfs,target=/opt/new --mount=type=cache,target=/opt/new/cache touch /opt/new/x /opt/new/cache/y
        RUN --mount=type=tmpfs,target=/opt/new/deep touch /opt/new/beside
        RUN cat /etc/hosts /etc/resolv.conf > /dev/null && ls /opt/there > /seen
        WORKDIR /opt
        RUN --mount=type=tmpfs,target=relative,size=1m test "$(stat -f -c %s%T relative)" && test "$(pwd)" = /opt \\
          && ! dd if=/dev/zero of=relative/big bs=1k count=2000 2>/dev/null
        """)
      #expect(
        image.layers.dropFirst(2).map(\.entries) == [
          [], [], ["drwxr-xr-x 0/0 opt/", "drwxr-xr-x 0/0 opt/new/", "-rw-r--r-- 0/0 opt/new/beside"],
          ["-rw-r--r-- 0/0 seen"], [], [],
        ])
      #expect(try await image.layers[5].text("seen") == "file\n")
    }
  }

  @Test("that are caches stay for one organisation, in builds without a cache too")
  func caches() async throws {
    try await Kitchen.run { kitchen in
      let dockerfile = """
        FROM busybox
        RUN --mount=type=cache,target=/cache echo x >> /cache/log && echo "count $(wc -l < /cache/log)"
        RUN --mount=type=cache,target=/other,id=/cache,ro echo "other $(wc -l < /other/log)" && ! touch /other/x 2>/dev/null
        RUN --mount=type=cache,target=/own,uid=7,gid=8,mode=2750 echo "own $(stat -c '%u:%g %a' /own)"
        RUN --mount=type=cache,id=start,target=/start,from=busybox,source=/bin echo "start $(ls /start | grep -c '^sh$')"
        RUN --mount=type=cache,id=a,target=/a,sharing=locked --mount=type=cache,id=a,target=/b touch /a/x && test -e /b/x
        """
      let expected = ["other", "own 7:8 2750", "start 1"]
      for count in 1...2 {
        let built = try await kitchen.build(dockerfile, ["--no-cache"])
        #expect(built.succeeded, "\(built.log)")
        #expect(built.printed == ["count \(count)", "\(expected[0]) \(count)"] + expected[1...], "\(built.log)")
      }
      let token = try await kitchen.server.token(of: "other")
      let base = try await kitchen.server.kindling(
        ["image", "import", "busybox:latest", try await Busybox.shared.archive(), "--token", token])
      #expect(base.status == 0, "\(base.all)")
      let other = try await kitchen.build(dockerfile, ["--token", token])
      #expect(other.printed.contains("count 1"), "\(other.log)")
      let kept = try FileManager.default.contentsOfDirectory(atPath: kitchen.server.data + "/cache/mounts/dev").sorted()
      #expect(kept.map { $0.split(separator: "-").dropLast().joined() } == ["a", "cache", "own", "start"], "\(kept)")
    }
  }

  @Test("that are caches are there after the server was away")
  func restart() async throws {
    try await withTemporaryFolder { folder in
      for count in 1...2 {
        let server = try await ServerProcess(data: folder.path("data"))
        do {
          if count == 1 { try await server.importBusybox() }
          let built = try await Kitchen(server: server, folder: folder).build(
            "FROM busybox\nRUN --mount=type=cache,target=/cache echo x >> /cache/log && wc -l < /cache/log\n",
            ["--no-cache"])
          #expect(built.printed == ["\(count)"], "\(built.log)")
        } catch {
          await server.stop()
          throw error
        }
        #expect(await server.stop() == 0)
      }
    }
  }

  @Test("that are caches are shared, locked or one for each command as they say", .timeLimit(.minutes(2)))
  func sharing() async throws {
    try await Kitchen.run { kitchen in
      // Each build waits for a word of the other in the shared cache, and has the private one for itself meanwhile.
      func dockerfile(_ own: String, _ other: String) -> String {
        """
        FROM busybox
        RUN --mount=type=cache,id=meet,target=/meet --mount=type=cache,id=alone,target=/alone,sharing=private \\
          touch /alone/\(own) /meet/\(own) && until test -e /meet/\(other); do sleep 0.05; done && test ! -e /alone/\(other)
        RUN --mount=type=cache,id=one,target=/one,sharing=locked mkdir /one/held && sleep 0.2 && rmdir /one/held
        """
      }
      async let left = kitchen.build(dockerfile("left", "right"), name: "left")
      async let right = kitchen.build(dockerfile("right", "left"), name: "right")
      for built in [try await left, try await right] { #expect(built.succeeded, "\(built.log)") }
    }
  }

  @Test("that are secrets are seen by the command alone")
  func secrets() async throws {
    try await Kitchen.run { kitchen in
      let (token, key) = ("tok-4711-very-secret", "-----BEGIN-----\nline-one-of-it\nline-two-of-it\n")
      let body = try JSONEncoder().encode(["build_secrets": ["TOKEN": token, "key/id": key]])
      let saved = try await kitchen.server.http(
        "PUT", "/v1/ignite/builds/secrets", body: String(decoding: body, as: UTF8.self), token: kitchen.server.token)
      #expect(saved.status == 200, "\(saved)")
      let dockerfile = """
        FROM busybox
        RUN --mount=type=secret,id=TOKEN test "$(stat -c '%u:%g %a' /run/secrets/TOKEN)" = 0:0\\ 400 \\
          && cat /run/secrets/TOKEN && ! touch /run/secrets/TOKEN 2>/dev/null && ! test -e /run/secrets/id
        RUN --mount=type=secret,id=TOKEN,env=TOKEN echo "[$TOKEN]" && test ! -e /run/secrets/TOKEN
        RUN --mount=type=secret,id=key/id,target=/k,uid=1000,gid=1001,mode=0440 cat /k && sed 's/^/> /' /k && tail -c 5 /k \\
          && test "$(stat -c '%u:%g %a' /k)" = 1000:1001\\ 440
        RUN --mount=type=secret,id=TOKEN printf %s "$(head -c 5 /run/secrets/TOKEN)"; sleep 0.2; tail -c +6 /run/secrets/TOKEN
        RUN --mount=type=secret,id=NOBODY,env=NOBODY test -z "${NOBODY+set}" && test ! -e /run/secrets/NOBODY
        """
      let built = try await kitchen.build(dockerfile)
      #expect(built.succeeded, "\(built.log)")
      #expect(built.printed == ["***", "[***]", "***", "> ***", "> ***", "> ***", "f-it", "***"], "\(built.log)")
      let image = try await PulledImage("docker://\(kitchen.server.ready.registry)/dev/app:latest", kitchen.folder)
      #expect(image.layers.dropFirst().map(\.entries) == [[], [], [], [], []])
      // Nowhere: not in a record, an event, a layer, the cache, or the ledger.
      let grep = try await Tool("grep").run(["-rlaF", "-e", token, "-e", "line-one-of-it", kitchen.server.data])
      #expect(grep.lines == [], "\(grep.all)")
      // Another value is no reason to run again.
      let changed = try await kitchen.server.http(
        "PUT", "/v1/ignite/builds/secrets", body: #"{"build_secrets": {"TOKEN": "x"}}"#, token: kitchen.server.token)
      #expect(changed.status == 200)
      #expect(try await kitchen.build(dockerfile).printed == [])
      let failing = try await kitchen.build(
        "FROM busybox\nRUN true\nRUN --mount=type=secret,id=NOBODY,required true\n", name: "failing")
      #expect(!failing.succeeded)
      for words in ["secret 'NOBODY' is required", "RUN --mount=type=secret,id=NOBODY,required"] {
        #expect(failing.log.contains(words), "\(failing.log)")
      }
      let agent = try await kitchen.build(
        "FROM busybox\nRUN --mount=type=ssh test $SSH_AUTH_SOCK = /run/buildkit/ssh_agent.0 && test ! -e $SSH_AUTH_SOCK\nRUN --mount=type=ssh,required true\n",
        name: "agent"
      )
      #expect(agent.log.contains("ssh agent 'default' is required"), "\(agent.log)")
    }
  }

  @Test("decide what is taken from the cache by what they show")
  func keys() async throws {
    try await Kitchen.run { kitchen in
      try kitchen.folder.write("1", to: "app/a/file")
      try kitchen.folder.write("1", to: "app/b/file")
      func dockerfile(_ word: String) -> String {
        """
        FROM busybox AS made
        RUN echo \(word) > /made
        FROM busybox
        RUN --mount=source=a,target=/a echo first
        RUN --mount=from=made,target=/a echo second
        RUN --mount=from=busybox,target=/a echo third
        """
      }
      #expect(try await kitchen.build(dockerfile("x")).printed == ["first", "second", "third"])
      #expect(try await kitchen.build(dockerfile("x")).printed == [])
      try kitchen.folder.write("2", to: "app/b/file")
      #expect(try await kitchen.build(dockerfile("x")).printed == [])
      try kitchen.folder.write("2", to: "app/a/file")
      #expect(try await kitchen.build(dockerfile("x")).printed == ["first"])
      #expect(try await kitchen.build(dockerfile("y")).printed == ["second"])
    }
  }

  @Test(
    "that cannot be are refused with what to do",
    arguments: [
      ("RUN --mount=target=/x,source=nowhere true", "the context has no '/nowhere' to mount"),
      ("RUN --mount=target=/x,source=out true", "a line of .dockerignore leaves it out"),
      ("RUN --mount=target=/x,from=busybox,source=/nowhere true", "image 'busybox' has no '/nowhere' to mount"),
      ("RUN --mount=target=/x/../ true", "is the root itself"),
      ("ARG S=a\nRUN --mount=target=/x,from=$S true", "\"from\" has a variable"),
      ("RUN --mount=type=cache,target=/x,source=/no true", "cache '/x' has no directory '/no' to mount"),
      ("RUN --device=gpu true", "leave --device out"),
      ("RUN --security=insecure true", "--security=insecure is not allowed here"),
    ])
  func refusals(instructions: String, words: String) async throws {
    try await Kitchen.run { kitchen in
      try kitchen.folder.write("x", to: "app/out")
      try kitchen.folder.write("out\n", to: "app/.dockerignore")
      let built = try await kitchen.build("FROM busybox\n" + instructions + "\n")
      #expect(!built.succeeded)
      #expect(built.log.contains(words), "\(built.log)")
      #expect(built.log.contains("Dockerfile:"), "\(built.log)")
    }
  }

  @Test("come with ONBUILD too")
  func triggers() async throws {
    try await Kitchen.run { kitchen in
      try kitchen.folder.write("here", to: "app/file")
      let built = try await kitchen.build(
        """
        FROM busybox AS parent
        ONBUILD RUN --mount=target=/ctx --mount=type=cache,target=/cache echo "triggered $(cat /ctx/file)"
        FROM parent
        """)
      #expect(built.succeeded, "\(built.log)")
      #expect(built.printed == ["triggered here"])
    }
  }
}
