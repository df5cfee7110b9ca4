import Foundation
import OCI
import TestSupport
import Testing

/// Trees that buildah makes otherwise or not at all, written down from the Dockerfile reference and BuildKit's own rules.
@Suite("Trees by the reference")
struct ReferenceTreeTests {
  @Test("heredocs become files, commands and scripts, as quoted and indented as they are")
  func heredocs() async throws {
    try await Kitchen.run { kitchen in
      let image = try await kitchen.image(
        """
        FROM busybox
        ARG WHO=you
        ENV X="a b"
        COPY <<EOF <<'RAW' <<-"TAB" /h/
        hello $WHO ${Y:-none} \\$X `x` \\\\ end
          indented
        EOF
        raw $WHO ${X} \\$
        RAW
        \ttab $WHO
        \t\ttwo
        \tTAB
        RUN <<EOF
        set -e
        for i in 1 2 3; do
          echo "line $i" >> /lines
        done
        # a comment in the heredoc
        cat > /inner <<INNER
        inner $WHO
        INNER
        EOF
        RUN cat <<A > /one && cat <<'B' > /two
        a $X
        A
        b $X
        B
        RUN <<EOF sh -x
        echo piped > /piped
        EOF
        COPY --chmod=755 --chown=5:6 <<"SCRIPT" /usr/local/bin/run.sh
        #!/bin/sh
        exec "$@"
        SCRIPT
        RUN run.sh sh -c 'echo ran > /ran'
        RUN [ -f /ran ] && cat <<-EOF > /dash
        \tx
        \t\ty
        \tEOF
        ADD <<EOF /added
        z
        EOF
        """)
      let expected: [(layer: Int, name: String, text: String)] = [
        (1, "h/EOF", "hello you none $X `x` \\ end\n  indented\n"), (1, "h/RAW", "raw $WHO ${X} \\$\n"),
        (1, "h/TAB", "tab $WHO\ntwo\n"), (2, "lines", "line 1\nline 2\nline 3\n"), (2, "inner", "inner you\n"),
        (3, "one", "a a b\n"), (3, "two", "b $X\n"), (4, "piped", "piped\n"), (6, "ran", "ran\n"),
        (7, "dash", "x\ny\n"), (8, "added", "z\n"),
      ]
      for (layer, name, text) in expected {
        #expect(try await image.layers[layer].text(name) == text, "\(name)")
      }
      #expect(image.layers[5].entries.last == "-rwxr-xr-x 5/6 usr/local/bin/run.sh")
    }
  }

  @Test("COPY follows links on the way and the one it is sent to, and replaces those it meets below")
  func linkedDestinations() async throws {
    try await Kitchen.run { kitchen in
      try kitchen.folder.write("F", to: "app/file")
      try kitchen.folder.write("D", to: "app/dir/name")
      // BuildKit resolves the destination whole (fsutil, copy.Copy); buildah replaces a link to a file.
      let image = try await kitchen.image(
        """
        FROM busybox
        RUN mkdir -p /t/real /t/below && echo old > /t/real/old && ln -s real/old /t/to-file && ln -s /new/place /t/dangling \\
          && ln -s real /t/to-dir && ln -s /etc/passwd /t/below/name && ln -s loop /t/loop
        COPY file /t/to-file
        COPY file /t/dangling
        COPY file /t/to-dir
        COPY dir /t/below
        """)
      #expect(
        image.layers.dropFirst(2).map(\.entries) == [
          ["drwxr-xr-x 0/0 t/", "drwxr-xr-x 0/0 t/real/", "-rw-r--r-- 0/0 t/real/old"],
          ["drwxr-xr-x 0/0 new/", "-rw-r--r-- 0/0 new/place"],
          ["drwxr-xr-x 0/0 t/", "drwxr-xr-x 0/0 t/real/", "-rw-r--r-- 0/0 t/real/file"],
          ["drwxr-xr-x 0/0 t/", "drwxr-xr-x 0/0 t/below/", "-rw-r--r-- 0/0 t/below/name"],
        ])
      let looped = try await kitchen.build("FROM busybox\nRUN ln -s loop /loop\nCOPY file /loop\n")
      #expect(looped.log.contains("goes round in symbolic links"), "\(looped.log)")
    }
  }

  @Test("WORKDIR belongs to the USER in force as --chown reads it, and is a layer unless it is the root")
  func workdirs() async throws {
    try await Kitchen.run { kitchen in
      let image = try await kitchen.image(
        """
        FROM busybox
        USER 4242
        WORKDIR /number
        USER builder
        WORKDIR /name/deep
        USER builder:audio
        WORKDIR /group
        USER 5:6
        WORKDIR /both
        WORKDIR /both
        WORKDIR /
        WORKDIR /tmp
        """)
      #expect(
        image.layers.dropFirst().map(\.entries) == [
          ["drwxr-xr-x 4242/4242 number/"], ["drwxr-xr-x 1000/1001 name/", "drwxr-xr-x 1000/1001 name/deep/"],
          ["drwxr-xr-x 1000/29 group/"], ["drwxr-xr-x 5/6 both/"], [], [],
        ])
      #expect(image.config.history?.filter { $0.emptyLayer != true }.count == image.layers.count)
    }
  }

  @Test("a command of root has root's groups, everybody's own group among theirs")
  func groups() async throws {
    try await Kitchen.run { kitchen in
      let built = try await kitchen.build(
        """
        FROM busybox
        RUN echo wheel:x:10:root,builder >> /etc/group
        RUN sed -n 's/^Groups:\\t//p' /proc/self/status
        USER builder
        RUN sed -n 's/^Groups:\\t//p' /proc/self/status
        USER 4242
        RUN sed -n 's/^Groups:\\t//p' /proc/self/status
        USER 1000:10
        RUN sed -n 's/^Groups:\\t//p' /proc/self/status
        USER root:audio
        RUN sed -n 's/^Groups:\\t//p' /proc/self/status
        """)
      let groups = built.printed.map { $0.split(separator: " ").compactMap { Int($0) }.sorted() }
      #expect(groups == [[0, 10], [10, 29, 1001], [0], [10], [29]], "\(built.log)")
    }
  }

  @Test("the context's files keep setuid bits, capabilities and attributes of their own, and belong to root")
  func attributes() async throws {
    try await Kitchen.run { kitchen in
      let script = """
        set -e
        mkdir app; cp /bin/busybox app/tool; chmod 4755 app/tool; setcap cap_net_bind_service+ep app/tool
        echo x > app/note; chown 12:13 app/note
        python3 -c 'import os; os.setxattr("app/note", "user.kindling", b"kept")'
        """
      let made = try await Tool("/bin/sh").run(
        ["-c", script], environment: ["PATH": "/usr/sbin:/sbin:/usr/bin:/bin"], in: kitchen.folder.path)
      try #require(made.status == 0, "\(made.all)")
      let image = try await kitchen.image(
        "FROM busybox\nCOPY tool note /n/\nRUN chmod 600 /n/note && mv /n/tool /n/moved\n")
      #expect(
        image.layers[1].entries == ["drwxr-xr-x 0/0 n/", "-rw-r--r-- 0/0 n/note", "-rwsr-xr-x 0/0 n/tool"])
      for layer in image.layers.dropFirst() {
        for record in ["SCHILY.xattr.security.capability=", "SCHILY.xattr.user.kindling=kept"] {
          let found = try await Tool("sh").run(["-c", "gzip -dc \(layer.path) | grep -ac '\(record)'"])
          #expect(found.lines == ["1"], "\(record) in \(layer.entries)")
        }
      }
    }
  }

  @Test("an archive's own root changes nothing of the directory it is unpacked into")
  func archiveRoot() async throws {
    try await Kitchen.run { kitchen in
      let script = "mkdir -p app t && echo x > t/x && chmod 777 t && tar --owner=9 --group=9 -C t -cf app/t.tar ."
      let made = try await Tool("/bin/sh").run(["-c", script], in: kitchen.folder.path)
      try #require(made.status == 0, "\(made.all)")
      let image = try await kitchen.image("FROM busybox\nRUN mkdir -m 700 /d\nADD t.tar /d\n")
      #expect(image.layers[2].entries == ["drwx------ 0/0 d/", "-rw-r--r-- 9/9 d/x"])
    }
  }

  @Test("what a command finds in devices, memory and masked places is docker's, and none of it is in a layer")
  func places() async throws {
    try await Kitchen.run { kitchen in
      let image = try await kitchen.image(
        """
        FROM busybox
        RUN test "$(df -k /dev/shm | awk 'NR == 2 { print $2 }')" = 65536 && test "$(stat -c %a /dev/shm)" = 1777 \\
          && ! touch /sys/x 2>/dev/null && ! echo 1 2>/dev/null > /proc/sys/kernel/sysrq && test -z "$(cat /proc/kcore)" \\
          && test -z "$(ls /sys/firmware)" && test "$(readlink /dev/fd)" = /proc/self/fd && test "$(hostname)" = buildkitsandbox \\
          && test -z "$TERM" && ! touch /etc/resolv.conf 2>/dev/null && test "$(readlink -f /proc/1/exe)" != /bin/sh
        RUN (sleep 0 &) ; nohup sleep 3600 > /dev/null 2>&1 & echo begun > /begun
        """)
      #expect(image.layers.dropFirst().map(\.entries) == [[], ["-rw-r--r-- 0/0 begun"]])
    }
  }

  @Test("what commands write below a VOLUME and into /var/run is kept, and a VOLUME alone makes nothing")
  func volumes() async throws {
    try await Kitchen.run { kitchen in
      let image = try await kitchen.image(
        """
        FROM busybox
        VOLUME /data /made
        RUN mkdir -p /data /var/run && echo kept > /data/file && echo 1 > /var/run/pid
        RUN test "$(cat /data/file /var/run/pid | tr '\\n' ' ')" = "kept 1 " && test ! -e /made
        """)
      #expect(
        image.layers.dropFirst().map(\.entries) == [
          [
            "drwxr-xr-x 0/0 data/", "-rw-r--r-- 0/0 data/file", "drwxr-xr-x 0/0 var/", "drwxr-xr-x 0/0 var/run/",
            "-rw-r--r-- 0/0 var/run/pid",
          ], [],
        ])
    }
  }
}
