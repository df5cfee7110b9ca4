import Foundation
import OCI
import TestSupport
import Testing

@Suite("Images")
struct ImageTests {
  @Test("hold what the commands made, with owners, modes, links and removals")
  func commands() async throws {
    try await Kitchen.run { kitchen in
      let image = try await kitchen.image(
        """
        FROM busybox
        RUN mkdir -p /keep/sub /gone && echo 1 > /keep/sub/f && echo a > /keep/one && ln /keep/one /keep/two \\
          && ln -s ../one /keep/link && chmod 4755 /keep/one && chown 7:8 /keep/sub/f && mkfifo /keep/fifo
        RUN rm -r /keep/sub && mkdir /keep/sub && echo new > /keep/sub/g
        RUN rm /bin/vi && rm -r /gone
        RUN true
        WORKDIR /made
        WORKDIR /tmp
        USER 1000
        WORKDIR /tmp/mine
        """)
      #expect(
        image.layers.dropFirst().map(\.entries) == [
          [
            "drwxr-xr-x 0/0 gone/", "drwxr-xr-x 0/0 keep/", "prw-r--r-- 0/0 keep/fifo",
            "lrwxrwxrwx 0/0 keep/link -> ../one", "-rwsr-xr-x 0/0 keep/one", "drwxr-xr-x 0/0 keep/sub/",
            "-rw-r--r-- 7/8 keep/sub/f", "hrwsr-xr-x 0/0 keep/two link to keep/one",
          ],
          [
            "drwxr-xr-x 0/0 keep/", "drwxr-xr-x 0/0 keep/sub/", "---------- 0/0 keep/sub/.wh..wh..opq",
            "-rw-r--r-- 0/0 keep/sub/g",
          ], ["drwxr-xr-x 0/0 bin/", "---------- 0/0 bin/.wh.vi", "---------- 0/0 .wh.gone"], [],
          ["drwxr-xr-x 0/0 made/"], [], ["drwxrwxrwt 0/0 tmp/", "drwxr-xr-x 1000/1000 tmp/mine/"],
        ])
      // The import's own line comes first; BuildKit: WORKDIR /tmp is a layer though nothing is in it.
      let empty = image.config.history?.map { $0.emptyLayer ?? false }
      #expect(empty == [false, false, false, false, false, false, false, true, false])
    }
  }

  @Test("hold what was copied, and nothing else of it")
  func copies() async throws {
    try await Kitchen.run { kitchen in
      try kitchen.folder.write("file", to: "app/file")
      try kitchen.folder.write("tool", to: "app/tool", executable: true)
      try kitchen.folder.write("a", to: "app/dir/a")
      let image = try await kitchen.image(
        """
        FROM busybox AS made
        RUN mkdir /d && echo 1 > /d/b && mkdir /d/a && ln /d/b /d/a/z && chown 5:6 /d/b && chmod 4711 /d/b \\
          && ln -s /etc/passwd /d/link && chmod 2750 /d
        FROM busybox
        COPY file /tmp/
        COPY --chown=1000 tool dir /opt/
        COPY --chown=builder --chmod=600 tool /opt/tool2
        COPY --from=made /d /d
        COPY --from=made /d/link /followed
        COPY <<EOF /etc/note
        written here
        EOF
        """)
      #expect(
        image.layers.dropFirst().map(\.entries) == [
          ["drwxrwxrwt 0/0 tmp/", "-rw-r--r-- 0/0 tmp/file"],
          ["drwxr-xr-x 1000/1000 opt/", "-rw-r--r-- 1000/1000 opt/a", "-rwxr-xr-x 1000/1000 opt/tool"],
          ["drwxr-xr-x 1000/1000 opt/", "-rw------- 1000/1001 opt/tool2"],
          [
            "drwxr-xr-x 0/0 d/", "drwxr-xr-x 0/0 d/a/", "-rws--x--x 5/6 d/a/z", "hrws--x--x 5/6 d/b link to d/a/z",
            "lrwxrwxrwx 0/0 d/link -> /etc/passwd",
          ], ["-rw-r--r-- 0/0 followed"], ["drwxr-xr-x 0/0 etc/", "-rw-r--r-- 0/0 etc/note"],
        ])
      #expect(try await image.layers[6].text("etc/note") == "written here\n")
    }
  }

  @Test("keep long names, names that are no text, and removals of them")
  func names() async throws {
    try await Kitchen.run { kitchen in
      let long = String(repeating: "l", count: 255)
      let image = try await kitchen.image(
        """
        FROM busybox AS made
        RUN mkdir /d && echo 1 > /d/\(long) && echo 2 > "$(printf '/d/\\377\\376')" && echo 3 > "$(printf '/d/\\377\\375')"
        FROM busybox
        COPY --from=made /d/ /d/
        RUN test "$(cat "$(printf '/d/\\377\\376')" /d/l*)" = "$(printf '2\\n1')" && mv /d/l* /d/short
        """)
      #expect(
        image.layers.dropFirst().map(\.entries) == [
          [
            "drwxr-xr-x 0/0 d/", "-rw-r--r-- 0/0 d/\(long)", #"-rw-r--r-- 0/0 d/\377\375"#,
            #"-rw-r--r-- 0/0 d/\377\376"#,
          ],
          ["drwxr-xr-x 0/0 d/", "---------- 0/0 d/.wh.\(long)", "-rw-r--r-- 0/0 d/short"],
        ])
    }
  }

  @Test("keep extended attributes through ADD, a command and COPY --from")
  func attributes() async throws {
    try await Kitchen.run { kitchen in
      let script = """
        mkdir app && echo 1 > file && tar --format=posix --pax-option='SCHILY.xattr.user.kindling:=kept' -cf app/x.tar file
        """
      let made = try await Tool("/bin/sh").run(["-c", script], in: kitchen.folder.path)
      try #require(made.status == 0, "\(made.all)")
      let image = try await kitchen.image(
        "FROM busybox AS made\nADD x.tar /\nRUN chmod 600 /file\nFROM busybox\nCOPY --from=made /file /\n")
      let unpacked = try await Tool("gzip").run(["-dc", image.layers[1].path])
      #expect(unpacked.output.contains("SCHILY.xattr.user.kindling=kept\n"))
    }
  }

  @Test("hold unpacked archives of every kind ADD knows")
  func archives() async throws {
    try await Kitchen.run { kitchen in
      let script = """
        set -e
        mkdir -p app tree/tmp tree/sub && cd tree && echo x > tmp/x && echo 1 > z && ln z sub/a
        chmod 700 sub; chmod 644 z tmp/x
        tar --owner=3 --group=4 -cf ../app/plain.tar z sub tmp/x
        cd ../app
        gzip -k plain.tar && bzip2 -k plain.tar && xz -k plain.tar && zstd -q -k plain.tar
        echo not an archive | gzip > text.gz
        """
      let made = try await Tool("/bin/sh").run(["-c", script], in: kitchen.folder.path)
      try #require(made.status == 0, "\(made.all)")
      let image = try await kitchen.image(
        """
        FROM busybox
        ADD plain.tar /
        ADD plain.tar.gz /gz/
        ADD plain.tar.bz2 /bz2
        ADD plain.tar.xz /xz
        ADD --chown=9:9 plain.tar.zst /zst
        ADD text.gz /
        COPY plain.tar.gz /copied
        """)
      func unpacked(_ folder: String, _ owner: String, _ parent: String) -> [String] {
        [
          "drwxr-xr-x \(parent) \(folder)/", "drwx------ \(owner) \(folder)/sub/",
          "-rw-r--r-- \(owner) \(folder)/sub/a",
          "drwxr-xr-x \(parent) \(folder)/tmp/", "-rw-r--r-- \(owner) \(folder)/tmp/x",
          "hrw-r--r-- \(owner) \(folder)/z link to \(folder)/sub/a",
        ]
      }
      #expect(
        image.layers.dropFirst().map(\.entries) == [
          // /tmp keeps its sticky bit: the archive has only something in it.
          [
            "drwx------ 3/4 sub/", "-rw-r--r-- 3/4 sub/a", "drwxrwxrwt 0/0 tmp/", "-rw-r--r-- 3/4 tmp/x",
            "hrw-r--r-- 3/4 z link to sub/a",
          ], unpacked("gz", "3/4", "0/0"), unpacked("bz2", "3/4", "0/0"), unpacked("xz", "3/4", "0/0"),
          unpacked("zst", "9/9", "9/9"), ["-rw-r--r-- 0/0 text.gz"], ["-rw-r--r-- 0/0 copied"],
        ])
    }
  }

  @Test("made from scratch hold only what was copied and written")
  func scratch() async throws {
    try await Kitchen.run { kitchen in
      let folder = kitchen.folder.path("app")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: "/bin/busybox", toPath: folder + "/busybox")
      let image = try await kitchen.image(
        """
        FROM scratch
        COPY busybox /sh
        RUN ["/sh", "-c", "echo $HOME $PATH > /out"]
        USER 77
        RUN ["/sh", "-c", "test $HOME = /"]
        """)
      #expect(image.layers.map(\.entries) == [["-rwxr-xr-x 0/0 sh"], ["-rw-r--r-- 0/0 out"], []])
      let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
      #expect(image.config.config?.env == ["PATH=\(path)"])
      #expect(try await image.layers[1].text("out") == "/root \(path)\n")
    }
  }
}
