import Foundation
import OCI
import TestSupport
import Testing

@Suite("Layers")
struct LayerTests {
  /// `cap_net_raw+ep` as the kernel keeps it: version 2, effective, bit 13.
  private static let capability = "SCHILY.xattr.security.capability="

  @Test("keep capabilities through ADD, a command, COPY --from and --chown")
  func capabilities() async throws {
    try await Kitchen.run { kitchen in
      let script = """
        set -e
        mkdir -p app; cp /bin/busybox tool; chmod 755 tool; setcap cap_net_raw+ep tool
        tar --xattrs --xattrs-include='security.*' --owner=0 --group=0 -cf app/x.tar tool
        """
      let made = try await Tool("/bin/sh").run(
        ["-c", script], environment: ["PATH": "/usr/sbin:/sbin:/usr/bin:/bin"], in: kitchen.folder.path)
      try #require(made.status == 0, "\(made.all)")
      let image = try await kitchen.image(
        """
        FROM busybox AS made
        ADD x.tar /
        RUN mv /tool /moved
        FROM busybox
        COPY --from=made /moved /one
        COPY --from=made --chown=5 /moved /two
        RUN touch -d @5 /one
        """)
      for layer in image.layers.dropFirst() {
        let unpacked = try await Tool("sh").run(["-c", "gzip -dc \(layer.path) | grep -ac '\(Self.capability)'"])
        #expect(unpacked.lines == ["1"], "\(layer.entries)")
      }
    }
  }

  @Test("put files, links and directories in each other's places and back")
  func replacements() async throws {
    try await Kitchen.run { kitchen in
      let image = try await kitchen.image(
        """
        FROM busybox
        RUN mkdir -p /a/in /keep && echo 1 > /a/in/f && echo 1 > /b && ln -s keep /c
        RUN rm -r /a && echo file > /a && rm /b && mkdir /b && echo 2 > /b/g && rm /c && mkdir /c && echo 3 > /c/h
        RUN test "$(cat /a)" = file && test "$(ls /c /keep)" = "$(printf '/c:\\nh\\n\\n/keep:')" \\
          && rm -r /a /b /c && mkdir -p /a/in && ln -s keep /b && echo back > /c
        RUN test -z "$(ls /a/in)" && test "$(readlink /b)" = keep && test "$(cat /c)" = back
        """)
      #expect(
        image.layers.dropFirst(2).map(\.entries) == [
          [
            "-rw-r--r-- 0/0 a", "drwxr-xr-x 0/0 b/", "---------- 0/0 b/.wh..wh..opq", "-rw-r--r-- 0/0 b/g",
            "drwxr-xr-x 0/0 c/", "---------- 0/0 c/.wh..wh..opq", "-rw-r--r-- 0/0 c/h",
          ],
          [
            "drwxr-xr-x 0/0 a/", "---------- 0/0 a/.wh..wh..opq", "drwxr-xr-x 0/0 a/in/", "lrwxrwxrwx 0/0 b -> keep",
            "-rw-r--r-- 0/0 c",
          ], [],
        ])
      // Another program unpacks the same tree.
      let unpacked = try await kitchen.unpacked()
      #expect(try FileManager.default.contentsOfDirectory(atPath: unpacked + "/a/in").isEmpty)
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: unpacked + "/b") == "keep")
    }
  }

  @Test("hold sparse and large files without holding them in memory")
  func large() async throws {
    try await Kitchen.run { kitchen in
      let image = try await kitchen.image(
        """
        FROM busybox AS made
        RUN truncate -s 600M /big && echo end >> /big
        FROM busybox
        COPY --from=made /big /big
        RUN test "$(tail -n 1 /big | tail -c 4)" = end && test "$(stat -c %s /big)" = 629145604
        """)
      #expect(image.layers.dropFirst().map(\.entries) == [["-rw-r--r-- 0/0 big"], []])
      let status = try String(contentsOfFile: "/proc/\(kitchen.server.ready.pid)/status", encoding: .utf8)
      let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }?.split(separator: " ").dropFirst().first
      #expect(try #require(peak.flatMap { Int($0) }) < 300 << 10)
    }
  }

  @Test("keep sticky, setuid and setgid bits, odd owners and long paths")
  func odd() async throws {
    try await Kitchen.run { kitchen in
      let name = String(repeating: "n", count: 200)
      let image = try await kitchen.image(
        """
        FROM busybox AS made
        RUN mkdir -p /d/\(name)/\(name) && echo 1 > /d/\(name)/\(name)/\(name) && chmod 7777 /d/\(name) \\
          && chown 3000000000:4000000000 /d/\(name)/\(name) && ln -s /\(name)/\(name)/\(name) /d/link
        FROM busybox
        COPY --from=made /d /d
        """)
      let expected = [
        "drwxr-xr-x 0/0 d/", "lrwxrwxrwx 0/0 d/link -> /\(name)/\(name)/\(name)", "drwsrwsrwt 0/0 d/\(name)/",
        "drwxr-xr-x 3000000000/4000000000 d/\(name)/\(name)/", "-rw-r--r-- 0/0 d/\(name)/\(name)/\(name)",
      ]
      #expect(image.layers.dropFirst().map(\.entries) == [expected])
    }
  }

  @Test("of bases may leave directories out, which are then root's")
  func missingParents() async throws {
    try await Kitchen.run { kitchen in
      let script = "mkdir -p root/x/y && echo deep > root/x/y/z && tar -C root --owner=7 --group=7 -cf base.tar x/y/z"
      let made = try await Tool("/bin/sh").run(["-c", script], in: kitchen.folder.path)
      try #require(made.status == 0, "\(made.all)")
      let imported = try await kitchen.server.kindling([
        "image", "import", "bare:latest", kitchen.folder.path("base.tar"),
      ])
      try #require(imported.status == 0, "\(imported.all)")
      let image = try await kitchen.image(
        "FROM busybox AS tool\nFROM bare\nCOPY --from=tool /bin/busybox /x/y/\nRUN [\"/x/y/busybox\", \"ls\", \"-ln\", \"/x\"]\n"
      )
      #expect(
        image.layers.dropFirst().map(\.entries) == [
          ["drwxr-xr-x 0/0 x/", "drwxr-xr-x 0/0 x/y/", "-rwxr-xr-x 0/0 x/y/busybox"], [],
        ])
    }
  }

  @Test(
    "of hostile bases are refused or stay inside",
    arguments: [
      // Name, kind and target of the entries, then a word of the refusal, or nothing.
      ([("../evil", "f", "")], "leaves the archive"), ([("a/../../evil", "f", "")], "leaves the archive"),
      ([("out", "s", "/"), ("out/evil", "f", "")], ""), ([("out", "s", "../../../.."), ("out/tmp/evil", "f", "")], ""),
      ([("x", "h", "/etc/passwd")], "link"), ([("x", "h", "../../../etc/passwd")], "leaves the archive"),
      ([("l", "s", "/etc/passwd"), ("l", "f", "")], ""), ([("l", "s", "/etc/passwd"), ("y", "h", "l")], ""),
      ([("dev/sda", "b", ""), ("/abs", "f", "")], ""),
    ] as [([(String, String, String)], String)])
  func hostile(entries: [(String, String, String)], refusal: String) async throws {
    try await Kitchen.run { kitchen in
      let list = entries.map { "('\($0.0)', '\($0.1)', '\($0.2)')" }.joined(separator: ", ")
      let script = """
        import hashlib, io, json, tarfile
        def add(tar, name, data, kind=tarfile.REGTYPE, target=""):
          entry = tarfile.TarInfo(name)
          entry.type, entry.linkname, entry.size = kind, target, len(data)
          tar.addfile(entry, io.BytesIO(data))
        kinds = {"f": tarfile.REGTYPE, "s": tarfile.SYMTYPE, "h": tarfile.LNKTYPE, "b": tarfile.BLKTYPE}
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as tar:
          for name, kind, target in [\(list)]:
            add(tar, name, b"evil" if kind == "f" else b"", kinds[kind], target)
        sum = hashlib.sha256(layer.getvalue()).hexdigest()
        config = {"architecture": "\(Platform.host.architecture)", "os": "linux", "config": {},
          "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sum]}}
        with tarfile.open("evil.tar", "w") as tar:
          add(tar, "layer.tar", layer.getvalue())
          add(tar, "config.json", json.dumps(config).encode())
          add(tar, "manifest.json", json.dumps(
            [{"Config": "config.json", "RepoTags": ["evil:latest"], "Layers": ["layer.tar"]}]).encode())
        """
      let made = try await Tool("python3").run(["-c", script], in: kitchen.folder.path)
      try #require(made.status == 0, "\(made.all)")
      let imported = try await kitchen.server.kindling(
        ["image", "import", "evil:latest", kitchen.folder.path("evil.tar")])
      var result = imported
      if imported.status == 0 {
        result = try await kitchen.build(
          """
          FROM busybox AS tool
          FROM evil
          COPY --from=tool /bin/busybox /b/
          RUN ["/b/busybox", "touch", "/ran"]
          """
        ).result
      }
      #expect((result.status == 0) == refusal.isEmpty, "\(result.all)")
      #expect(result.all.contains(refusal) || refusal.isEmpty, "\(result.all)")
      for path in ["/evil", "/tmp/evil", kitchen.server.data + "/evil", kitchen.server.data + "/layers/evil"] {
        #expect(!FileManager.default.fileExists(atPath: path))
      }
      #expect(try !String(contentsOfFile: "/etc/passwd", encoding: .utf8).contains("evil"))
    }
  }
}

extension Kitchen {
  /// The built image's root, as umoci unpacks it.
  func unpacked(_ name: String = "app") async throws -> String {
    let layout = folder.path("layout")
    let copy = try await Tool("skopeo").run([
      "copy", "-q", "--insecure-policy", "--src-tls-verify=false",
      "docker://\(server.ready.registry)/dev/\(name):latest",
      "oci:\(layout):latest",
    ])
    try #require(copy.status == 0, "\(copy.all)")
    let unpack = try await Tool("umoci").run(["unpack", "--image", "\(layout):latest", folder.path("bundle")])
    try #require(unpack.status == 0, "\(unpack.all)")
    return folder.path("bundle/rootfs")
  }
}
