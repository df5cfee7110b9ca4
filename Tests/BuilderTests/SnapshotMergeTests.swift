import Archive
import Diagnostics
import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("Layers joined into one")
struct SnapshotMergeTests {
  private func node(_ path: String, _ text: String? = "x") -> LayerEntry {
    let bytes = Array((text ?? "").utf8)
    let entry = TarEntry(
      path: FilePath(path), kind: text == nil ? .directory : .file, mode: 0o644, size: Int64(bytes.count))
    return LayerEntry(tar: entry, body: text == nil ? .none : .bytes(bytes), digest: nil)
  }

  private func unpacked(_ entries: [TarEntry], in folder: TemporaryFolder, _ name: String) throws -> DiskLayer {
    let bytes = BytesWriter()
    let tar = TarWriter(into: bytes)
    for entry in entries { try tar.append(entry, body: BytesReader([UInt8](repeating: 0x79, count: Int(entry.size)))) }
    try tar.finish()
    let root = FilePath(folder.path(name))
    try FileManager.default.createDirectory(atPath: root.string, withIntermediateDirectories: true)
    _ = try LayerUnpacker(root: root, xattrs: .trusted).unpack(
      from: TarReader(over: BytesReader(bytes.bytes), limits: .layer))
    return DiskLayer(root: try RootDirectory(root), xattrs: .trusted)
  }

  @Test("keep removals only where something lies below, and hide what a new directory hides")
  func merge() async throws {
    try await withTemporaryFolder { folder in
      let digest = Digest(sha256Of: [])
      let bottom = VirtualLayer(
        [node("etc", nil), node("etc/new"), node("etc/old"), node("opt", nil), node("opt/a"), node("opt/b")],
        diffID: digest)
      func file(_ path: String, _ size: Int64 = 0) -> TarEntry {
        TarEntry(path: FilePath(path), kind: .file, mode: 0o600, size: size)
      }
      func directory(_ path: String) -> TarEntry { TarEntry(path: FilePath(path), kind: .directory, mode: 0o755) }
      let top = try unpacked(
        [
          directory("etc"), file("etc/.wh.old"), file("etc/.wh.base"), file("etc/new", 3), directory("opt"),
          file("opt/.wh..wh..opq"), file("opt/c", 1),
        ], in: folder, "top")
      func paths(hasBase: Bool) throws -> [String] {
        try SnapshotMerge(views: [top, bottom], hasBase: hasBase).entries().map(\.tar.path.string)
      }
      #expect(
        try paths(hasBase: true)
          == ["etc", "etc/.wh.base", "etc/.wh.old", "etc/new", "opt", "opt/.wh..wh..opq", "opt/c"])
      #expect(try paths(hasBase: false) == ["etc", "etc/new", "opt", "opt/c"])
      let merged = try SnapshotMerge(views: [top, bottom], hasBase: true).entries()
      #expect(merged.first { $0.tar.path == "etc/new" }?.tar.size == 3)
    }
  }
}
