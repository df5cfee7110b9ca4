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
      #expect(image.layers.map(\.entries).dropFirst() == [])
      #expect(image.config.history?.map { $0.emptyLayer ?? false } == [])
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
        RUN mkdir /d && echo 1 > /d/b && mkdir /d/a && ln /d/b /d/a/z && chmod 4711 /d/b && chown 5:6 /d/b \\
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
      #expect(image.layers.map(\.entries).dropFirst() == [])
    }
  }

  @Test("keep capabilities, long names and names that are no text")
  func attributes() async throws {
    try await Kitchen.run { kitchen in
      let long = String(repeating: "l", count: 255)
      let image = try await kitchen.image(
        """
        FROM busybox AS made
        RUN mkdir /d && cp /bin/busybox /d/ping && echo 1 > /d/\(long) && echo 2 > "$(printf '/d/\\377\\376')"
        FROM busybox
        COPY --from=made /d/ /d/
        RUN cat "$(printf '/d/\\377\\376')" /d/l* && mv /d/l* /d/short
        """)
      #expect(image.layers.map(\.entries).dropFirst() == [])
    }
  }

  @Test("hold unpacked archives of every kind ADD knows")
  func archives() async throws {
    try await Kitchen.run { kitchen in
      let script = """
        set -e
        mkdir -p app tree/tmp tree/sub && cd tree && echo x > tmp/x && echo 1 > z && mkdir -p sub && ln z sub/a
        chmod 700 sub
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
      #expect(image.layers.map(\.entries).dropFirst() == [])
    }
  }

  @Test("made from scratch hold only what was copied and written")
  func scratch() async throws {
    try await Kitchen.run { kitchen in
      try FileManager.default.createDirectory(atPath: kitchen.folder.path("app"), withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: "/bin/busybox", toPath: kitchen.folder.path("app/busybox"))
      let image = try await kitchen.image(
        """
        FROM scratch
        COPY busybox /sh
        RUN ["/sh", "sh", "-c", "echo $HOME $PATH > /out"]
        USER 77
        RUN ["/sh", "id"]
        """)
      #expect(image.layers.map(\.entries) == [])
      #expect(image.config.config?.env == ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])
      #expect(
        try await image.layers[1].text("out") == "/root /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n")
    }
  }
}
