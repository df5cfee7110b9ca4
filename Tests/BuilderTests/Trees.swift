import Archive
import Diagnostics
import Glibc
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import Builder

/// Layers and roots in a few words.
enum Entry {
  static func file(
    _ path: FilePath, _ text: String = "", mode: UInt16 = 0o644, uid: UInt32 = 0, gid: UInt32 = 0
  ) -> LayerEntry {
    let bytes = Array(text.utf8)
    let tar = TarEntry(path: path, kind: .file, mode: mode, uid: uid, gid: gid, size: Int64(bytes.count))
    return LayerEntry(tar: tar, body: .bytes(bytes), digest: Digest(sha256Of: bytes))
  }

  static func directory(_ path: FilePath, mode: UInt16 = 0o755, uid: UInt32 = 0, gid: UInt32 = 0) -> LayerEntry {
    LayerEntry(tar: TarEntry(path: path, kind: .directory, mode: mode, uid: uid, gid: gid), body: .none)
  }

  static func symlink(_ path: FilePath, _ target: FilePath) -> LayerEntry {
    LayerEntry(tar: TarEntry(path: path, kind: .symlink(target: target), mode: 0o777), body: .none)
  }

  static func link(_ path: FilePath, _ target: FilePath) -> LayerEntry {
    LayerEntry(tar: TarEntry(path: path, kind: .hardLink(target: target), mode: 0o644), body: .none)
  }
}

extension FilePath {
  /// A path whose bytes are no text.
  init(raw: [UInt8]) {
    self = (raw.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { name in
      name.baseAddress.map { FilePath(platformString: $0) } ?? FilePath()
    }
  }
}

extension VirtualLayer {
  convenience init(_ entries: [LayerEntry]) {
    self.init(entries, diffID: Digest(sha256Of: Array("\(entries.map(\.tar.path.string))".utf8)))
  }
}

extension DiskLayer {
  /// Unpacks the entries as a layer of an image; names with `.wh.` remove what is below.
  init(_ entries: [LayerEntry], in folder: TemporaryFolder, _ name: String) throws {
    let bytes = BytesWriter()
    let tar = TarWriter(into: bytes)
    for entry in entries { try tar.append(entry.tar, body: try entry.body.reader()) }
    try tar.finish()
    let path = FilePath(folder.path(name))
    try FileSystem.makeDirectory(path)
    let xattrs: OverlayXattrs = geteuid() == 0 ? .trusted : .user
    _ = try LayerUnpacker(root: path, xattrs: xattrs)
      .unpack(from: TarReader(over: BytesReader(bytes.bytes), limits: .layer))
    self.init(root: try RootDirectory(path), xattrs: xattrs)
  }
}

extension RootTree {
  init(_ entries: LayerEntry...) { self.init(layers: [VirtualLayer(entries)]) }

  /// Every path the tree shows, with its content or kind.
  func listing(below path: FilePath = FilePath()) throws -> [String] {
    var lines: [String] = []
    for name in try names(in: path) {
      let path = path.appending(name)
      let node = try #require(try node(path))
      lines.append(try node.line(at: path))
      if node.entry.kind == .directory { lines += try listing(below: path) }
    }
    return lines
  }
}

extension FileNode {
  func line(at path: FilePath) throws -> String {
    switch entry.kind {
    case .file:
      let bytes = try body.reader()?.contents(limit: .mebibytes(1)) ?? []
      return "\(path) = \(String(decoding: bytes, as: UTF8.self))"
    case .directory: return "\(path)/"
    case .symlink(let target): return "\(path) -> \(target)"
    case .hardLink(let target): return "\(path) => \(target)"
    default: return "\(path) ?"
    }
  }
}

extension [LayerEntry] {
  /// `path/`, `path = content`, `path => link`, each with mode and owner.
  var listing: [String] {
    get throws {
      try map { entry in
        let node = FileNode(entry: entry.tar, body: entry.body)
        let owner = "\(String(entry.tar.mode, radix: 8)) \(entry.tar.uid):\(entry.tar.gid)"
        return try "\(node.line(at: entry.tar.path)) \(owner)"
      }
    }
  }
}
