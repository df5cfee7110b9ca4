import Archive
import Builder
import Diagnostics
import Foundation
import OCI
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Service

@Suite("an uploaded archive as a build's source") struct StoredContextTests {
  /// A shelf with one archive of two files, packed as `flags` say.
  private func shelf(_ flags: String) async throws -> (Shelf, Digest) {
    let shelf = try Shelf()
    let folder = shelf.path.appending("made").string
    let packed = try await Tool("sh").run([
      "-c",
      "mkdir -p \(folder)/d && cd \(folder) && echo one > d/a && echo two > d/b && tar --sort=name \(flags) x.tar d",
    ])
    #expect(packed.status == 0)
    let writer = try shelf.data.contexts.writer()
    try writer.write(Array(Data(contentsOf: URL(fileURLWithPath: folder + "/x.tar"))))
    return (shelf, try writer.commit().digest)
  }

  @Test("the index of a tar is made once and read back; a broken one is made anew")
  func kept() async throws {
    let (shelf, digest) = try await shelf("-cf")
    let stored = StoredContext(contexts: shelf.data.contexts)
    #expect(shelf.data.contexts.index(of: digest) == nil)
    guard case .tree(let first)? = try stored.source(digest) else { Issue.record("no tree"); return }
    let kept = try #require(shelf.data.contexts.index(of: digest))
    guard case .tree(let second)? = try stored.source(digest) else { Issue.record("no tree"); return }
    #expect(first.entries.map(\.entry.path) == ["d", "d/a", "d/b"])
    // Names of owners are read and mean nothing; the file does not keep them.
    var nameless = first
    for index in nameless.entries.indices {
      (nameless.entries[index].entry.userName, nameless.entries[index].entry.groupName) = ("", "")
    }
    #expect(second == nameless)
    try shelf.data.contexts.saveIndex(Array(kept.dropLast(7)), of: digest)
    guard case .tree(let third)? = try stored.source(digest) else { Issue.record("no tree"); return }
    #expect(third == first)
    #expect(shelf.data.contexts.index(of: digest) == kept)
  }

  @Test("what has to be unpacked has no index, and what is gone is no source")
  func packed() async throws {
    let (shelf, digest) = try await shelf("-czf")
    let stored = StoredContext(contexts: shelf.data.contexts)
    guard case .archive? = try stored.source(digest) else { Issue.record("no archive"); return }
    #expect(shelf.data.contexts.index(of: digest) == nil)
    #expect(try stored.source(Digest(sha256Of: [])) == nil)
  }
}
