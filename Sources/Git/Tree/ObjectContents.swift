import Diagnostics
import SystemPackage

/// Reads stored objects; keeps the object files it met open, so that a tree of many objects opens each file once.
///
/// Not for concurrent use.
final class ObjectContents {
  private let source: any ObjectSource
  private var files: [FilePath: OpenFile] = [:]

  init(_ source: any ObjectSource) { self.source = source }

  /// Where an object lies; throws `git-object-missing`.
  func find(_ id: ObjectID) throws(Failure) -> StoredObject {
    if let found = try source.find(id) { return found }
    throw Failure(
      .unavailable, reason: "git-object-missing", "object '\(id)' is missing from what the remote delivered",
      hint: "the repository may be damaged; ask its owner to run 'git fsck'")
  }

  func findIfPresent(_ id: ObjectID) throws(Failure) -> StoredObject? { try source.find(id) }

  /// The bytes of an object of this kind; throws `git-object-kind` for another kind, `git-object-too-large` beyond `limit`.
  func bytes(_ id: ObjectID, _ kind: ObjectKind, limit: ByteCount) throws(Failure) -> [UInt8] {
    let object = try find(id)
    guard object.kind == kind else {
      throw Failure(
        .invalidArgument, reason: "git-object-kind",
        "object '\(id)' is a \(object.kind.name) where a \(kind.name) is expected")
    }
    guard object.size <= limit.bytes else {
      throw Failure(
        .resourceExhausted, reason: "git-object-too-large",
        "\(kind.name) '\(id)' has \(ByteCount(object.size)), more than the \(limit) allowed for it")
    }
    return try bytes(of: object, prefix: object.size)
  }

  /// The first `prefix` bytes of an object, or all when it has fewer.
  func bytes(of object: StoredObject, prefix: Int64) throws(Failure) -> [UInt8] {
    let count = Int(min(prefix, object.size))
    if count == 0 { return [] }
    let file = try file(object.file)
    var failure: Failure?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(Failure) {
        try file.fill(UnsafeMutableRawBufferPointer(buffer), at: object.offset)
        filled = count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Open for reading as long as somebody holds it.
  func file(_ path: FilePath) throws(Failure) -> OpenFile {
    if let open = files[path] { return open }
    let file = try OpenFile(path)
    files[path] = file
    return file
  }
}
