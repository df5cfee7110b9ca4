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

/// No objects at hand.
struct NoObjects: ObjectSource {
  func find(_ id: ObjectID) throws(Failure) -> StoredObject? { nil }
}

/// A repository with two commits, a branch `side` at the first, and an annotated tag.
struct SampleRepository {
  let folder: TemporaryFolder
  let first: String
  let second: String
  var root: String { folder.path }

  init(format: ObjectID.Format = .sha1, settings: [String] = []) async throws {
    folder = try TemporaryFolder()
    try folder.write("one\n", to: "site.git/a.txt")
    try folder.write(String(repeating: "long line of text\n", count: 200), to: "site.git/web/b.txt")
    let git = try Tool("git")
    let work = folder.path("site.git")
    func run(_ arguments: [String]) async throws -> String {
      let person = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
      let result = try await git.run(person + arguments, in: work)
      guard result.status == 0 else { throw Failure(.internal, reason: "test", result.all) }
      return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    _ = try await run(["init", "-q", "-b", "main", "--object-format=\(format.rawValue)"])
    _ = try await run(["add", "."])
    _ = try await run(["commit", "-qm", "First"])
    first = try await run(["rev-parse", "HEAD"])
    _ = try await run(["branch", "side"])
    try folder.write("two\n", to: "site.git/a.txt")
    _ = try await run(["commit", "-qam", "Second"])
    second = try await run(["rev-parse", "HEAD"])
    _ = try await run(["tag", "-am", "Release", "v1"])
    for setting in settings { _ = try await run(["config", setting, "true"]) }
  }

  func remove() { folder.remove() }
}
