import Archive
import Diagnostics
import Foundation
import OCI
import Storage
import Synchronization
import SystemPackage

/// Files that ADD downloaded, kept with what their servers said of them, so that an unchanged one need not come again.
///
/// A cache, and only of what a server lets be told apart (`ETag`, `Last-Modified`): nothing here is synced, what does
/// not match its digest is dropped, and the longest unused goes when all together exceed the budget.
package struct KeptFiles: Sendable {
  /// What is known of a kept file.
  struct About: Codable, Sendable {
    var entityTag: String?
    var lastModified: String?
    var digest: String
    var size: Int64
  }

  /// One URL of one organisation.
  struct Place: Sendable {
    fileprivate var folder: FilePath
    fileprivate var body: FilePath { folder.appending("body") }
    fileprivate var about: FilePath { folder.appending("about.json") }
  }

  private let folder: FilePath
  private let budget: ByteCount
  private let turn = Turn()

  private final class Turn: Sendable { let lock = Mutex<Void>(()) }

  package static let usualBudget = ByteCount.mebibytes(2 << 10)

  package init(folder: FilePath, budget: ByteCount = KeptFiles.usualBudget) {
    self.folder = folder
    self.budget = budget
  }

  /// The URL is hashed with the user in it: what one user may read is not another's.
  func place(of url: String, _ organization: OrganizationName) -> Place {
    Place(folder: folder.appending(organization.name).appending(Digest(sha256Of: Array(url.utf8)).hex))
  }

  func about(_ place: Place) -> About? {
    guard let data = FileManager.default.contents(atPath: place.about.string) else { return nil }
    return try? JSONDecoder().decode(About.self, from: data)
  }

  /// The kept bytes as the new file `target`; nil when they are gone or damaged.
  func take(_ place: Place, _ about: About, into target: FilePath) -> Digest? {
    guard link(place.body.string, target.string) == 0 || copy(place.body, target) else { return nil }
    guard let reader = try? HashingReader(over: FileReader(path: target)), (try? reader.drain()) == about.size,
      reader.digest.description == about.digest
    else {
      unlink(target.string)
      drop(place)
      return nil
    }
    // The time of the last use.
    utimensat(AT_FDCWD, place.about.string, nil, 0)
    return reader.digest
  }

  /// Keeps a file that came; to fail at it costs the next build a download.
  func keep(_ file: FilePath, _ about: About, at place: Place) {
    guard about.size <= budget.bytes, let json = try? JSONEncoder().encode(about) else { return }
    turn.lock.withLock { _ in
      drop(place)
      guard
        (try? FileManager.default.createDirectory(
          atPath: place.folder.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]))
          != nil, link(file.string, place.body.string) == 0 || copy(file, place.body)
      else { return }
      // The last of the two: without it there is nothing.
      _ = FileManager.default.createFile(atPath: place.about.string, contents: json)
      evict()
    }
  }

  private func drop(_ place: Place) { try? FileTree.remove(place.folder) }

  private func copy(_ file: FilePath, _ target: FilePath) -> Bool {
    (try? FileManager.default.copyItem(atPath: file.string, toPath: target.string)) != nil
  }

  /// Removes the longest unused until the rest fits. Whoever reads one just now has a link of its own.
  private func evict() {
    var entries: [(place: Place, size: Int64, used: Date)] = []
    for organization in names(in: folder) {
      for name in names(in: organization) {
        let place = Place(folder: name)
        guard let size = attribute(.size, of: place.body) as? NSNumber,
          let used = attribute(.modificationDate, of: place.about) as? Date
        else {
          drop(place)
          continue
        }
        entries.append((place, size.int64Value, used))
      }
    }
    var total = entries.reduce(0) { $0 + $1.size }
    for entry in entries.sorted(by: { $0.used < $1.used }) where total > budget.bytes {
      drop(entry.place)
      total -= entry.size
    }
  }

  private func attribute(_ key: FileAttributeKey, of file: FilePath) -> Any? {
    (try? FileManager.default.attributesOfItem(atPath: file.string))?[key]
  }

  private func names(in folder: FilePath) -> [FilePath] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []).map { folder.appending($0) }
  }
}
