import Foundation
import TestSupport
import Testing

@Suite("The process of a command")
struct RunProcessTests {
  @Test("finds what docker gives one: input, devices, limits, names, capabilities, and no terminal")
  func surroundings() async throws {
    try await Kitchen.run { kitchen in
      let built = try await kitchen.build(
        """
        FROM busybox
        RUN test ! -t 0 && test ! -t 1 && test "$(cat | wc -c)" = 0 && ! (: < /dev/tty) 2>/dev/null && echo "1 input"
        RUN for d in null zero full random urandom tty; do test -c /dev/$d || exit 1; done && test -d /dev/pts -a -d /dev/shm \\
          && test -h /dev/ptmx -a -h /dev/fd -a -h /dev/stdin -a -h /dev/stdout -a -h /dev/stderr && test -f /proc/self/status \\
          && test -d /sys/class && : > /dev/null && ! (echo x > /dev/full) 2>/dev/null && touch /dev/shm/x && echo "2 devices"
        RUN echo "3 $(umask) $(hostname) $(ulimit -n) $(ulimit -c) $$"
        RUN grep '^CapEff' /proc/self/status | sed 's/.*\\t/4 /' && grep '^CapBnd' /proc/self/status | sed 's/.*\\t/4 /'
        RUN grep -E '^Sig(Blk|Ign)' /proc/self/status | sed 's/:.*\\t/ /'
        RUN grep '^Seccomp:' /proc/self/status | tr '\\t' ' '
        RUN tr '\\t' ' ' < /etc/hosts && test -r /etc/resolv.conf
        ENV LAST=a FIRST=b
        ARG GIVEN=c
        RUN ["/bin/env"]
        """)
      #expect(built.succeeded, "\(built.log)")
      let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
      #expect(
        built.printed == [
          "1 input", "2 devices", "3 0022 buildkitsandbox 1024 0 2", "4 00000000a80425fb", "4 00000000a80425fb",
          "SigBlk 0000000000000000", "SigIgn 0000000000000000", "Seccomp: 2", "127.0.0.1 localhost buildkitsandbox",
          "::1 localhost ip6-localhost ip6-loopback", "\(path)", "LAST=a", "FIRST=b", "GIVEN=c", "HOME=/root",
        ], "\(built.printed)")
    }
  }

  @Test("is whom USER names, with the groups of the image")
  func users() async throws {
    try await Kitchen.run { kitchen in
      let forms = [
        ("builder", "1000:1001 1001 29 /home"), ("1000", "1000:1001 1001 29 /home"),
        ("builder:audio", "1000:29 29 /home"),
        ("builder:7", "1000:7 7 /home"), ("1000:1001", "1000:1001 1001 /home"), ("4242", "4242:0 0 /"),
        ("4242:audio", "4242:29 29 /"), ("0", "0:0 0 /root"), ("root:29", "0:29 29 /root"),
      ]
      let steps = forms.map { "USER \($0.0)\nRUN echo \"$(id -u):$(id -g) $(id -G) $HOME\"\n" }.joined()
      let built = try await kitchen.build("FROM busybox\n" + steps)
      #expect(built.printed == forms.map(\.1), "\(built.log)")
      for (user, word) in [("nobody-here", "user 'nobody-here'"), ("0:none", "group 'none'")] {
        let refused = try await kitchen.build("FROM busybox\nUSER \(user)\nRUN true\n")
        #expect(refused.log.contains(word), "\(refused.log)")
      }
    }
  }

  @Test("ends with all its children, reaped and killed, and with its own status")
  func ends() async throws {
    try await Kitchen.run { kitchen in
      let mark = "sleep-\(UUID().uuidString)"
      let image = try await kitchen.image(
        """
        FROM busybox
        RUN ln /bin/sleep "/tmp/\(mark)" && (setsid sh -c '(/bin/sh -c "exec -a \(mark) sleep 3600" >/dev/null 2>&1 &) &') && echo up
        RUN (sh -c 'true &'); until ! grep -l 'State:.Z' /proc/[0-9]*/status 2>/dev/null; do :; done; rm /tmp/\(mark)
        RUN <<SCRIPT
        #!/bin/sh
        test "$0" = /dev/pipes/SCRIPT && test "$(pwd)" = /
        SCRIPT
        """)
      #expect(image.layers[3].entries == [])
      let processes = try await Tool("ps").run(["-eo", "args"])
      #expect(!processes.output.contains(mark))
      let failed = try await kitchen.build("FROM busybox\nRUN exit 42\n")
      #expect(failed.log.contains("exit status 42"), "\(failed.log)")
    }
  }

  @Test("is killed with its mounts when its build is cancelled, and nothing is left", .timeLimit(.minutes(1)))
  func cancel() async throws {
    try await Kitchen.run { kitchen in
      try kitchen.folder.write("x", to: "app/file")
      let mark = "\(Int.random(in: 100_000..<900_000))"
      try kitchen.folder.write(
        """
        FROM busybox AS other
        RUN echo other > /other
        FROM busybox
        RUN --mount=target=/ctx,rw --mount=from=other,target=/o --mount=type=cache,target=/c,sharing=locked \\
          --mount=type=tmpfs,target=/t (setsid sleep \(mark) &) ; touch /ctx/y /c/y; while sleep 1; do echo waiting; done
        """, to: "app/Dockerfile")
      let created = try await kitchen.server.kindling([
        "build", "create", "app", "--context", kitchen.folder.path("app"),
      ])
      let id = try #require(created.lines.last)
      let script = """
        curl -sN -H 'Authorization: Bearer \(kitchen.server.token)' \
          \(kitchen.server.ready.http)/v1/ignite/builds/\(id)/logs/stream?from_start=true | grep -m 1 -q 'waiting"'
        """
      #expect(try await Tool("/bin/sh").run(["-c", script]).status == 0)
      let clock = ContinuousClock()
      let begun = clock.now
      let cancelled = try await kitchen.server.kindling(["build", "cancel", id])
      #expect(cancelled.status == 0, "\(cancelled.all)")
      #expect(clock.now - begun < .seconds(5))
      #expect(!(try await Tool("ps").run(["-eo", "args"])).output.contains("sleep \(mark)"))
      let left = FileManager.default.enumerator(atPath: kitchen.server.data + "/work")?.allObjects.map { "\($0)" }
      #expect(left == ["uploads"])
      let mounts = try String(contentsOfFile: "/proc/\(kitchen.server.ready.pid)/mountinfo", encoding: .utf8)
      #expect(!mounts.contains(kitchen.server.data))
      // The locked cache is free again, and has what was written.
      let next = try await kitchen.build(
        "FROM busybox\nRUN --mount=type=cache,target=/c,sharing=locked test -e /c/y\n", name: "next")
      #expect(next.succeeded, "\(next.log)")
    }
  }
}
