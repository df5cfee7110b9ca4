import Diagnostics
import Dispatch
import OCI
import Storage
import Synchronization
import SystemPackage

/// The directories of `RUN --mount=type=cache`, kept between builds, and who uses them now.
///
/// A cache is a few directories with numbers for names: one while nobody minds sharing, more when commands at the same
/// time want one each. All builds of one data directory must use the same instance.
final class CacheMounts: Sendable {
  /// What makes two mounts the same cache.
  struct Name: Hashable, Sendable {
    var organization: OrganizationName
    var id: String
    var owner: RunOwner
    /// What it began with; another beginning is another cache, as with BuildKit.
    var origin: String

    /// Readable for people, and different for every name.
    fileprivate var folder: String {
      let readable = id.utf8.prefix(48).map { byte -> Character in
        let character = Character(UnicodeScalar(byte))
        return byte < 128 && (character.isLetter || character.isNumber) ? character : "-"
      }
      let parts = [id, owner.text, origin].map { "\($0.utf8.count):\($0)" }.joined()
      return readable.drop { $0 == "-" } + "-" + Digest(sha256Of: Array(parts.utf8)).hex.prefix(16)
    }
  }

  fileprivate struct Holders {
    var count = 0
    var isExclusive = false
  }
  fileprivate struct State {
    var held: [Name: [Int: Holders]] = [:]
    var waiting: [Int: (name: Name, continuation: CheckedContinuation<Void, Never>)] = [:]
    var lastWait = 0
  }

  let folder: FilePath
  /// Where what is evicted waits for its removal.
  let trash: FilePath
  /// What all caches together may take on the disk.
  let budget: ByteCount
  private let state = Mutex(State())
  /// Directories that were used and wait to be measured.
  let unmeasured = Mutex<Set<FilePath>>([])
  /// Measures and removes, one after the other and behind everything else.
  let upkeep = DispatchQueue(label: "kindling.caches", qos: .background)

  init(folder: FilePath, trash: FilePath, budget: ByteCount) {
    self.folder = folder
    self.trash = trash
    self.budget = budget
  }

  /// A cache's directory for one command; give it back by `release`. With `locked` waits for other commands, after
  /// `onWait` was called once; throws `cancelled` when the task is.
  func lease(
    _ name: Name, sharing: RunCache.Sharing, onWait: () throws(Failure) -> Void
  ) async throws(Failure) -> Lease {
    var hasWaited = false
    while true {
      let number = state.withLock { $0.take(name, sharing) }
      if let number { return Lease(path: path(of: name).appending("\(number)"), name: name, number: number) }
      if !hasWaited { try onWait() }
      hasWaited = true
      await waitForRelease(of: name)
      if Task.isCancelled { throw Failure(.cancelled, reason: "cancelled", "the build was cancelled") }
    }
  }

  /// One command's hold of a directory.
  struct Lease: Sendable {
    let path: FilePath
    fileprivate let name: Name
    fileprivate let number: Int
  }

  func release(_ lease: Lease) {
    let woken = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      state.giveBack(lease.name, lease.number)
      let woken = state.waiting.filter { $0.value.name == lease.name }
      for id in woken.keys { state.waiting[id] = nil }
      return woken.values.map(\.continuation)
    }
    for continuation in woken { continuation.resume() }
    wasUsed(lease.path)
  }

  /// Moves a cache's directory away, unless somebody uses it. Whoever wants it from now on makes a new one.
  func moveAway(_ directory: FilePath, to target: FilePath) -> Bool {
    state.withLock { state in
      let isHeld = state.held.contains { name, numbers in
        numbers.keys.contains { path(of: name).appending("\($0)") == directory }
      }
      return !isHeld && FileSystem.rename(directory, to: target)
    }
  }

  /// Makes the directory by `fill`, which gets a fresh one of `owner`, unless it is there already.
  func prepare(
    _ lease: Lease, in scratch: ScratchFolder, fill: (FilePath) throws(Failure) -> Void
  ) throws(Failure) {
    if FileSystem.exists(lease.path) { return }
    let organization = folder.appending(lease.name.organization.name)
    for directory in [folder, organization, path(of: lease.name)] { try FileSystem.makeDirectory(directory) }
    let fresh = try scratch.directory("cache")
    try fill(fresh)
    // Whoever shares it may have been quicker; theirs is as good.
    guard FileSystem.rename(fresh, to: lease.path) || FileSystem.exists(lease.path) else {
      throw Failure(.internal, reason: "cache-mount", "cache '\(lease.name.id)' cannot be put into '\(lease.path)'")
    }
  }

  private func path(of name: Name) -> FilePath {
    folder.appending(name.organization.name).appending(name.folder)
  }

  private func waitForRelease(of name: Name) async {
    let id = state.withLock { state in
      state.lastWait += 1
      return state.lastWait
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          // What was given back since, and a cancellation whose handler found nobody waiting, are seen here.
          if Task.isCancelled || state.isFree(name) { return true }
          state.waiting[id] = (name, continuation)
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: id) }?.continuation.resume()
    }
  }
}

extension CacheMounts.State {
  /// Whether nobody holds the first directory.
  fileprivate func isFree(_ name: CacheMounts.Name) -> Bool { (held[name]?[0]?.count ?? 0) == 0 }

  /// The number of the directory to use; nil means to wait. The lowest that will do, so that few are made.
  fileprivate mutating func take(_ name: CacheMounts.Name, _ sharing: RunCache.Sharing) -> Int? {
    let holders = held[name] ?? [:]
    func isFree(_ number: Int) -> Bool { (holders[number]?.count ?? 0) == 0 }
    var number = 0
    switch sharing {
    case .shared: while !isFree(number), holders[number]?.isExclusive == true { number += 1 }
    case .private: while !isFree(number) { number += 1 }
    case .locked: if !isFree(number) { return nil }
    }
    held[name, default: [:]][number, default: CacheMounts.Holders()].count += 1
    held[name]?[number]?.isExclusive = sharing != .shared
    return number
  }

  fileprivate mutating func giveBack(_ name: CacheMounts.Name, _ number: Int) {
    held[name]?[number]?.count -= 1
    if held[name]?[number]?.count == 0 { held[name]?[number] = nil }
    if held[name]?.isEmpty == true { held[name] = nil }
  }
}
