import Archive
import Diagnostics
import Foundation
import SystemPackage
import Testing

@Suite(.enabled(if: isRoot, "needs root")) struct LayerPackerTests {
  private func pack(
    _ upper: FilePath,
    excluding: Set<FilePath> = [],
    mtimeClamp: Int64? = nil
  ) throws -> (tar: [UInt8], summary: LayerPacker.Summary) {
    let tar = BytesWriter()
    let writer = TarWriter(into: tar)
    let summary = try LayerPacker(upper: upper, xattrs: .trusted)
      .pack(into: writer, excluding: excluding, mtimeClamp: mtimeClamp)
    try writer.finish()
    return (tar.bytes, summary)
  }

  private func entries(_ tar: [UInt8]) throws -> [TarEntry] {
    let reader = TarReader(over: BytesReader(tar), limits: .layer)
    var entries: [TarEntry] = []
    while let entry = try reader.next() { entries.append(entry) }
    return entries
  }

  @Test("an upper directory becomes a sorted layer with whiteouts, hard links and capabilities")
  func layer() throws {
    try Sample.withDirectory { upper in
      let script = """
        mkdir -m 700 b && printf two > b/f && ln b/f a && mknod gone c 0 0 && ln gone b/also && ln -s /x l
        mkdir o && setfattr -n trusted.overlay.opaque -v y o && setfattr -n trusted.overlay.origin -v z o && touch o/x
        cp /bin/true cap && setcap cap_net_raw+ep cap && setfattr -n user.a -v 1 cap && setfattr -n user.overlay.b -v 1 cap
        python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")'
        touch -d @1700000000.5 b/f b && touch B
        """
      try Sample.run(["sh", "-ec", script.replacing("setfattr", with: Self.setfattr)], in: upper)
      let (tar, summary) = try pack(upper, mtimeClamp: 1_700_000_100)
      let entries = try entries(tar)
      #expect(
        entries.map(\.path) == [
          "B", "a", "b", "b/.wh.also", "b/f", "cap", ".wh.gone", "l", "o", "o/.wh..wh..opq", "o/x",
        ]
      )
      #expect(summary.entries == entries.count)
      #expect(entries[0].mtime == FileTime(seconds: 1_700_000_100), "later times are clamped")
      #expect(entries[1].mtime == FileTime(seconds: 1_700_000_000), "earlier ones are cut to seconds")
      #expect(entries[2].mode == 0o700)
      #expect(entries[3].size == 0 && entries[3].mode == 0 && entries[3].kind == .file)
      #expect(entries[4].kind == .hardLink(target: "a"))
      #expect(Set(entries[5].xattrs.keys) == ["security.capability", "user.a"])
      #expect(entries[7].kind == .symlink(target: "/x"))
      #expect(entries[8].xattrs.isEmpty)
      #expect(try pack(upper, mtimeClamp: 1_700_000_100).tar == tar)
    }
  }

  /// setfattr(1) is in a package of its own; Python has it.
  private static let setfattr =
    "python3 -c 'import os,sys; os.setxattr(sys.argv[5], sys.argv[2], sys.argv[4].encode())' "

  @Test("mount points are left out with all below, and an untouched upper directory has no entries")
  func excluding() throws {
    try Sample.withDirectory { upper in
      #expect(try pack(upper).summary == LayerPacker.Summary())
      try Sample.run(["sh", "-ec", "mkdir -p etc proc/1 keep && touch etc/hosts etc/passwd proc/1/x"], in: upper)
      let tar = try pack(upper, excluding: ["etc/hosts", "proc"]).tar
      #expect(try entries(tar).map(\.path) == ["etc", "etc/passwd", "keep"])
    }
  }

  /// Whether this machine lets us mount an overlay here.
  private static let canMount: Bool = {
    let result = try? Sample.withDirectory { directory in
      try Sample.run(
        ["unshare", "-m", "sh", "-ec", "mkdir l u w m; mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m"],
        in: directory
      )
    }
    return result != nil
  }()

  @Test("a step's layer, unpacked over its base, is what the step saw", .enabled(if: canMount, "needs overlayfs"))
  func throughOverlay() throws {
    try Sample.withDirectory { directory in
      let base = """
        mkdir -p lower/d/sub lower/opaque lower/kept upper work merged second
        for i in d/1 d/2 d/sub/3 opaque/4 kept/5 6; do echo $i > lower/$i; done; ln -s d lower/link
        """
      let step = """
        mount -t overlay o -o lowerdir=lower,upperdir=upper,workdir=work merged; cd merged
        rm d/1 6; mkdir 6; echo new > 6/x; rm -r opaque; mkdir opaque; echo y > opaque/z; ln d/2 hard
        chown 12:34 kept; chmod 4711 kept/5; rm -r d/sub; echo now-a-file > d/sub; rm link; mkdir link; mknod dev c 5 1
        \(Self.look) > ../seen
        """
      try Sample.run(["sh", "-ec", base], in: directory)
      try Sample.run(["unshare", "-m", "sh", "-ec", step], in: directory)
      let tar = try pack(directory.appending("upper")).tar
      _ = try LayerUnpacker(root: directory.appending("second"), xattrs: .trusted)
        .unpack(from: TarReader(over: BytesReader(tar), limits: .layer))
      let again = "mount -t overlay o -o lowerdir=second:lower merged; cd merged; \(Self.look)"
      let seen = try Sample.run(["unshare", "-m", "sh", "-ec", again], in: directory)
      #expect(
        String(decoding: seen, as: UTF8.self)
          == String(decoding: try Sample.read(directory.appending("seen")), as: UTF8.self)
      )
      let paths = try entries(tar).map(\.path)
      #expect(paths.contains("6") && paths.contains("opaque/.wh..wh..opq") && paths.contains("d/.wh.1"))
    }
  }

  private static let look =
    "(find . -mindepth 1 -printf '%p %y %m %U:%G %Ts %l\\n' | sort; grep -r '' . 2>/dev/null -D skip | sort)"

  @Test("what tar unpacks from our layer is what was there")
  func interoperates() throws {
    try Sample.withDirectory { directory in
      let script = "mkdir -p u/x/y t; echo 1 > u/x/a; ln u/x/a u/x/y/b; ln -s ../a u/x/y/c; chmod 2755 u/x; mkfifo u/p"
      try Sample.run(["sh", "-ec", script], in: directory)
      try Sample.run(["tar", "-xpf", "-", "-C", "t"], input: try pack(directory.appending("u")).tar, in: directory)
      try Sample.run(["diff", "-r", "--no-dereference", "u/x", "t/x"], in: directory)
      let modes = try Sample.run(["sh", "-c", "stat -c '%a %h %s' t/x t/x/a t/p"], in: directory)
      #expect(String(decoding: modes, as: UTF8.self) == "2755 3 4096\n644 2 2\n644 1 0\n")
    }
  }
}
