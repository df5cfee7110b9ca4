import Diagnostics
import SystemPackage
import TestSupport

@testable import Git

/// Objects made by a test, in an object file of the test's own folder.
final class SampleObjects {
  private let writer: ObjectFileWriter
  let path: FilePath

  init(in folder: TemporaryFolder, _ name: String = "sample", limits: GitLimits = GitLimits()) throws {
    path = FilePath(folder.path(name))
    writer = try ObjectFileWriter(path: path, format: .sha1, limits: limits)
  }

  func add(_ kind: ObjectKind, _ bytes: [UInt8]) throws -> ObjectID {
    try writer.beginObject(kind, size: Int64(bytes.count))
    let failure: Failure? = bytes.withUnsafeBytes { buffer in
      do throws(Failure) { try writer.write(buffer) } catch { return error }
      return nil
    }
    if let failure { throw failure }
    return try writer.endObject()
  }

  func blob(_ text: String) throws -> ObjectID { try add(.blob, Array(text.utf8)) }

  /// Entries as they are given, in that order.
  func tree(_ entries: [(mode: String, name: [UInt8], id: ObjectID)]) throws -> ObjectID {
    try add(.tree, entries.flatMap { Array("\($0.mode) ".utf8) + $0.name + [0] + $0.id.bytes })
  }

  func commit(_ tree: ObjectID, parents: [ObjectID] = [], time: Int64 = 1_700_000_000) throws -> ObjectID {
    let parents = parents.map { "parent \($0.hex)\n" }.joined()
    let person = "Tess <tess@example.org> \(time) +0000"
    return try add(
      .commit, Array("tree \(tree.hex)\n\(parents)author \(person)\ncommitter \(person)\n\nsample\n".utf8))
  }

  func finish() throws -> ObjectFile {
    try writer.finish()
    return try ObjectFile(path: path)
  }
}

extension TreeWalk {
  /// Every path of the tree.
  static func paths(_ tree: ObjectID, _ source: any ObjectSource, limits: GitLimits = GitLimits()) throws(Failure)
    -> [String]
  {
    var walk = TreeWalk(tree, contents: ObjectContents(source), limits: limits)
    var paths: [String] = []
    while let item = try walk.next() { paths.append(String(decoding: item.path, as: UTF8.self)) }
    return paths
  }
}
