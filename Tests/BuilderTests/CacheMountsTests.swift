import Diagnostics
import Foundation
import OCI
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("Cache mounts and their budget")
struct CacheMountsTests {
  /// Caches of which two with a file each are too many.
  private func caches(in folder: TemporaryFolder) throws -> CacheMounts {
    let trash = FilePath(folder.path("work"))
    try FileSystem.makeDirectory(trash)
    return CacheMounts(folder: FilePath(folder.path("mounts")), trash: trash, budget: .kibibytes(300))
  }

  /// A command that writes 200 kB into the cache `id`; it lasts until the lease is given back.
  private func use(_ id: String, _ caches: CacheMounts, in folder: TemporaryFolder) async throws -> CacheMounts.Lease {
    let name = CacheMounts.Name(
      organization: try OrganizationName("dev"), id: id, owner: RunOwner(uid: 0, gid: 0, mode: 0o755), origin: "")
    let lease = try await caches.lease(name, sharing: .shared) {}
    let scratch = try ScratchFolder(FilePath(folder.path("scratch")))
    try caches.prepare(lease, in: scratch) { _ in }
    try FileSystem.write(String(repeating: "x", count: 200 << 10), to: lease.path.appending("file"))
    return lease
  }

  @Test("the longest unused goes when all together are too large, and what is in use stays")
  func evict() async throws {
    try await withTemporaryFolder { folder in
      let caches = try caches(in: folder)
      let first = try await use("first", caches, in: folder)
      caches.release(first)
      await caches.settle()
      #expect(FileSystem.exists(first.path))
      let second = try await use("second", caches, in: folder)
      caches.release(second)
      await caches.settle()
      #expect(!FileSystem.exists(first.path) && FileSystem.exists(second.path))

      // The second is older than the third, but in use.
      let again = try await use("second", caches, in: folder)
      let third = try await use("third", caches, in: folder)
      caches.release(third)
      await caches.settle()
      #expect(FileSystem.exists(second.path) && !FileSystem.exists(third.path))
      caches.release(again)
      await caches.settle()
      #expect(FileSystem.exists(second.path))
      let left = try FilePath(folder.path("work")).names
      #expect(left == [])
    }
  }

  @Test("what an earlier version has left is measured at the start, and counted")
  func unmeasured() async throws {
    try await withTemporaryFolder { folder in
      let before = try caches(in: folder)
      for id in ["first", "second"] { _ = try await use(id, before, in: folder) }
      let caches = try caches(in: folder)
      caches.tidy()
      await caches.settle()
      let left = try FilePath(folder.path("mounts/dev")).names.filter { name in
        FileSystem.exists(FilePath(folder.path("mounts/dev/\(name)/0")))
      }
      #expect(left.count == 1)
    }
  }
}

extension FilePath {
  fileprivate var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: string) }
  }
}
