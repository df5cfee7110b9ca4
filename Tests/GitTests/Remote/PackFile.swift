import Diagnostics
import Foundation
import TestSupport

@testable import Git

/// A sink that keeps a pack as it came, for git itself to judge.
final class PackFile: PackSink {
  private(set) var bytes: [UInt8] = []
  private(set) var isEnded = false
  var objectCount: Int { 0 }
  var announcedObjects: Int { 0 }

  func writePack(_ bytes: UnsafeRawBufferPointer, bases: any ObjectSource) throws(Failure) { self.bytes += bytes }
  func endPack() throws(Failure) { isEnded = true }
  func beginObject(_ kind: ObjectKind, size: Int64) throws(Failure) { throw Self.misuse }
  func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) { throw Self.misuse }
  func endObject() throws(Failure) -> ObjectID { throw Self.misuse }
  private static let misuse = Failure(.internal, reason: "test", "a remote with packs was expected")

  /// The names and kinds of its objects, by `git index-pack` and `git cat-file`.
  func objects(format: ObjectID.Format = .sha1) async throws -> [String: String] {
    try await withTemporaryFolder { folder in
      let git = try Tool("git")
      try await git.run(["init", "--bare", "-q", "--object-format=\(format.rawValue)", folder.path])
      let indexed = try await git.run(["index-pack", "--stdin", "--fix-thin"], input: Data(bytes), in: folder.path)
      guard indexed.status == 0 else { throw Failure(.internal, reason: "test", indexed.all) }
      let listed = try await git.run(["cat-file", "--batch-all-objects", "--batch-check"], in: folder.path)
      return Dictionary(
        uniqueKeysWithValues: listed.lines.map { line in
          let words = line.split(separator: " ")
          return (String(words[0]), String(words[1]))
        })
    }
  }
}
