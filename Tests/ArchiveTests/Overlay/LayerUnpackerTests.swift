import Archive
import Diagnostics
import Foundation
import SystemPackage
import Testing

/// Owners and whiteouts need root; a user namespace's root will do.
let isRoot = geteuid() == 0

@Suite(.enabled(if: isRoot, "needs root")) struct LayerUnpackerTests {
  /// Unpacks entries into a new directory and calls `body` with it.
  private func withLayer(
    _ entries: [(TarEntry, String)],
    _ body: (FilePath) throws -> Void
  ) throws {
    try Sample.withDirectory { directory in
      let tar = BytesWriter()
      let writer = TarWriter(into: tar)
      for (entry, text) in entries {
        var entry = entry
        entry.size = Int64(text.utf8.count)
        try writer.append(entry, body: BytesReader(Array(text.utf8)))
      }
      try writer.finish()
      let root = directory.appending("root")
      try FileManager.default.createDirectory(atPath: root.string, withIntermediateDirectories: false)
      try Sample.write(Array("outside".utf8), to: directory.appending("victim"))
      defer { #expect((try? Sample.read(directory.appending("victim"))) == Array("outside".utf8)) }
      let summary = try LayerUnpacker(root: root, xattrs: .trusted)
        .unpack(from: TarReader(over: BytesReader(tar.bytes), limits: .layer))
      #expect(summary.entries == entries.count)
      try body(root)
    }
  }

  private func file(_ path: FilePath, mode: UInt16 = 0o644) -> TarEntry {
    TarEntry(path: path, kind: .file, mode: mode)
  }
  private func directory(_ path: FilePath, mode: UInt16 = 0o755) -> TarEntry {
    TarEntry(path: path, kind: .directory, mode: mode)
  }

  /// What `stat` and `getfattr` say about a path.
  private func look(_ root: FilePath, _ path: String) throws -> String {
    let status = try Sample.run(["stat", "-c", "%F %a %u:%g %Y %t,%T", root.appending(path).string])
    return String(decoding: status, as: UTF8.self).trimmingCharacters(in: .newlines)
  }

  private func xattr(_ root: FilePath, _ path: String, _ name: String) throws -> String {
    let script = "import os,sys\ntry: print(os.getxattr(sys.argv[1], sys.argv[2]).hex())\nexcept OSError: print('none')"
    let value = try Sample.run(["python3", "-c", script, root.appending(path).string, name])
    return String(decoding: value, as: UTF8.self).trimmingCharacters(in: .newlines)
  }

  @Test("owners, modes, times, attributes and kinds come out as in the tar")
  func metadata() throws {
    let time = FileTime(seconds: 1_600_000_000)
    let capability: [UInt8] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    let entries: [(TarEntry, String)] = [
      (TarEntry(path: "", kind: .directory, mode: 0o750, uid: 3), ""),
      (TarEntry(path: "d", kind: .directory, mode: 0o1777, uid: 7, gid: 8, mtime: time), ""),
      (TarEntry(path: "d/su", kind: .file, mode: 0o6755, uid: 5, gid: 6, mtime: time), "hello"),
      (
        TarEntry(
          path: "d/able",
          kind: .file,
          mode: 0o755,
          uid: 5,
          mtime: time,
          xattrs: [
            "security.capability": capability, "user.note": [65], "trusted.overlay.redirect": [47],
            "user.overlay.opaque": [121],
          ]
        ), ""
      ),
      (TarEntry(path: "d/link", kind: .symlink(target: "/etc/x"), mode: 0o777, uid: 5, mtime: time), ""),
      (TarEntry(path: "d/hard", kind: .hardLink(target: "d/su"), mode: 0), ""),
      (TarEntry(path: "null", kind: .characterDevice(major: 1, minor: 3), mode: 0o666, mtime: time), ""),
      (TarEntry(path: "pipe", kind: .fifo, mode: 0o622, uid: 9, mtime: time), ""),
      (file("deep/er/file"), "x"),
    ]
    try withLayer(entries) { root throws in
      #expect(try look(root, ".").hasPrefix("directory 750 3:0"))
      #expect(try look(root, "d") == "directory 1777 7:8 1600000000 0,0")
      #expect(try look(root, "d/su") == "regular file 6755 5:6 1600000000 0,0")
      #expect(try Sample.read(root.appending("d/hard")) == Array("hello".utf8))
      #expect(try look(root, "d/link") == "symbolic link 777 5:0 1600000000 0,0")
      #expect(try look(root, "null") == "character special file 666 0:0 1600000000 1,3")
      #expect(try look(root, "pipe") == "fifo 622 9:0 1600000000 0,0")
      #expect(try look(root, "deep/er").hasPrefix("directory 755 0:0"))
      #expect(try xattr(root, "d/able", "security.capability").hasPrefix("01000002"))
      #expect(try xattr(root, "d/able", "user.note") == "41")
      #expect(try xattr(root, "d/able", "trusted.overlay.redirect") == "none")
      #expect(try xattr(root, "d/able", "user.overlay.opaque") == "none")
    }
  }

  @Test("whiteouts become what overlayfs understands")
  func whiteouts() throws {
    let entries: [(TarEntry, String)] = [
      (directory("d"), ""), (file("d/.wh.gone"), ""), (directory("o"), ""), (file("o/.wh..wh..opq"), ""),
      (file("o/new"), "n"), (file(".wh..wh.plnk/1"), ""), (file(".wh..wh.aufs"), ""),
      // Removed and made anew in one layer, in both orders.
      (file(".wh.again"), ""), (directory("again"), ""), (directory("more"), ""), (file(".wh.more"), ""),
      (file(".wh.file"), ""), (file("file"), "f"), (file(".wh.implied"), ""), (file("implied/x"), ""),
    ]
    try withLayer(entries) { root throws in
      #expect(try look(root, "d/gone").hasPrefix("character special file 0 0:0"))
      #expect(try xattr(root, "o", "trusted.overlay.opaque") == "79")
      #expect(try xattr(root, "again", "trusted.overlay.opaque") == "79")
      #expect(try xattr(root, "more", "trusted.overlay.opaque") == "79")
      #expect(try xattr(root, "implied", "trusted.overlay.opaque") == "79")
      #expect(try Sample.read(root.appending("file")) == [UInt8(ascii: "f")])
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: root.string).sorted() == [
          "again", "d", "file", "implied", "more", "o",
        ]
      )
      #expect(try FileManager.default.contentsOfDirectory(atPath: root.appending("o").string) == ["new"])
    }
  }

  @Test("later entries replace earlier ones of any kind")
  func replacing() throws {
    let entries: [(TarEntry, String)] = [
      (file("a"), "1"), (file("a"), "2"), (directory("b"), ""), (directory("b/c"), ""), (file("b/c/d"), ""),
      (file("b"), "file"), (file("e"), "x"), (directory("e"), ""), (file("e/f"), "y"),
      (TarEntry(path: "l", kind: .symlink(target: "../victim"), mode: 0o777), ""), (file("l"), "own"),
    ]
    try withLayer(entries) { root throws in
      #expect(try Sample.read(root.appending("a")) == Array("2".utf8))
      #expect(try Sample.read(root.appending("b")) == Array("file".utf8))
      #expect(try Sample.read(root.appending("e/f")) == Array("y".utf8))
      #expect(try look(root, "l").hasPrefix("regular file"))
    }
  }

  @Test("links of a layer lead nowhere outside it", arguments: ["..", "/", "../../../..", "/..", "d/../.."])
  func linksStayInside(_ target: FilePath) throws {
    let entries: [(TarEntry, String)] = [
      (directory("d"), ""), (TarEntry(path: "l", kind: .symlink(target: target), mode: 0o777), ""),
      (file("l/victim"), "inside"),
    ]
    try withLayer(entries) { root throws in
      #expect(try Sample.read(root.appending("victim")) == Array("inside".utf8))
    }
  }

  @Test("a link put in a parent's place is noticed though the parent was open")
  func swappedParent() throws {
    let entries: [(TarEntry, String)] = [
      (directory("d"), ""), (file("d/victim"), "1"), (directory("e"), ""),
      (TarEntry(path: "d", kind: .symlink(target: "e"), mode: 0o777), ""), (file("d/victim"), "2"),
    ]
    try withLayer(entries) { root throws in
      #expect(try Sample.read(root.appending("e/victim")) == Array("2".utf8))
    }
  }

  @Test(
    "impossible layers are refused",
    arguments: [
      [RawTar("x", kind: "1", link: "victim").entry], [RawTar("x", kind: "1", link: "x").entry],
      [RawTar("l", kind: "2", link: "../").entry, RawTar("x", kind: "1", link: "l/victim").entry],
      [RawTar("d", kind: "5").entry, RawTar("x", kind: "1", link: "d").entry],
      [RawTar("f").entry, RawTar("f/x").entry], [RawTar("f").entry, RawTar("f/x/y").entry],
      [RawTar("l", kind: "2", link: "nowhere").entry, RawTar("l/x").entry],
      [RawTar(".wh.").entry], [RawTar(".wh...").entry], [RawTar("./", kind: "2", link: "x").entry],
    ]
  )
  func refused(_ entries: [[UInt8]]) throws {
    let tar = entries.flatMap { $0 } + [UInt8](repeating: 0, count: 1024)
    try Sample.withDirectory { directory in
      try Sample.write([1], to: directory.appending("victim"))
      let root = directory.appending("root")
      try FileManager.default.createDirectory(atPath: root.string, withIntermediateDirectories: false)
      let reason = Sample.reason {
        _ = try LayerUnpacker(root: root, xattrs: .trusted)
          .unpack(from: TarReader(over: BytesReader(tar), limits: .layer))
      }
      #expect(reason == "archive-corrupt")
    }
  }
}
