import Diagnostics
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The one place on disk a server keeps everything: opened by one process at a time.
///
/// Calls below it block on the disk; they belong on threads that may.
package final class DataDirectory: Sendable {
  /// The folders other rooms keep their files in.
  package enum Folder: String, Sendable, CaseIterable {
    /// Layers unpacked, by the digest of their blob: a cache.
    case layers
    /// One folder a build, with its events.
    case builds
    /// Build roots and partial uploads; emptied at every start.
    case work
    /// What `RUN --mount=type=cache` keeps.
    case cache
    /// Objects of the git repositories that builds were made from: a cache.
    case git
  }

  package let root: FilePath
  package let durability: Durability
  package let clock: WallClock
  /// 32 random bytes of the file `key`, from which seals and tokens draw their keys.
  package let key: [UInt8]
  package let seal: Seal
  package let blobs: BlobStore
  package let contexts: ContextStore
  package let ledger: Ledger
  package let events: EventLogs

  private let lock: Mutex<DirectoryLock?>

  private init(root: FilePath, durability: Durability, clock: WallClock, lock: DirectoryLock) throws(Failure) {
    self.root = root
    self.durability = durability
    self.clock = clock
    for folder in Folder.allCases { try root.appending(folder.rawValue).makeDirectory() }
    let work = root.appending(Folder.work.rawValue)
    try FileTree.empty(work)
    let uploads = work.appending("uploads")
    try uploads.makeDirectory()
    let readme = root.appending("README.txt")
    if readme.fileSize == nil { try readme.replaceContents(with: Self.readme.utf8, durability: durability) }
    key = try Self.readOrMakeKey(root.appending("key"), durability)
    seal = Seal(key: key)
    let oci = root.appending("oci")
    blobs = try BlobStore(
      root: oci, uploads: uploads, quarantine: root.appending("quarantine"), durability: durability, clock: clock)
    contexts = try ContextStore(
      root: root.appending("contexts"), uploads: uploads, durability: durability, clock: clock)
    ledger = try Ledger(root.appending(Ledger.file), durability: durability)
    events = EventLogs(root.appending(Folder.builds.rawValue), durability: durability, clock: clock)
    self.lock = Mutex(lock)
    if oci.appending("index.json").fileSize == nil { try writeLayoutIndex() }
  }

  /// Opens the directory, makes what is missing in it, and takes its lock until `close()` or the process's end.
  ///
  /// Throws `data-directory-in-use` while another process holds it, `data-directory-not-writable`, `disk-full`, and
  /// `ledger-newer` for a directory of a later version.
  package static func open(
    at root: FilePath,
    durability: Durability,
    clock: WallClock = .system
  ) throws(Failure) -> DataDirectory {
    try root.makeDirectory()
    guard let lock = try DirectoryLock(root.appending(DirectoryLock.name)) else { throw inUse(root) }
    do throws(Failure) {
      // One that a killed server left would name a process that may be anybody's by now.
      try root.appending(runFileName).removeFile()
      return try open(at: root, durability, clock, holding: lock)
    } catch {
      lock.release()
      throw error
    }
  }

  /// Opens what is there, and completes a reset that was decided.
  private static func open(
    at root: FilePath, _ durability: Durability, _ clock: WallClock, holding lock: DirectoryLock
  ) throws(Failure) -> DataDirectory {
    let reset = DirectoryReset(root: root, durability: durability)
    let scope = reset.decided
    if let scope { try reset.removeFiles(scope) }
    let directory = try DataDirectory(root: root, durability: durability, clock: clock, lock: lock)
    if let scope { try reset.complete(scope, directory.ledger) }
    return directory
  }

  /// Decides that the directory is emptied; `reset()` does it, or the next start.
  package func decideReset(_ scope: ResetScope) throws(Failure) {
    try DirectoryReset(root: root, durability: durability).decide(scope)
  }

  /// Empties the directory as was decided and opens it anew, without giving the lock away. Afterwards this value answers
  /// UNAVAILABLE (`data-directory-closed`): what it promised meanwhile would be gone. When that fails the directory stays
  /// closed and locked, and the next start completes the reset.
  package func reset() throws(Failure) -> DataDirectory {
    let held = lock.withLock { lock -> DirectoryLock? in
      defer { lock = nil }
      return lock
    }
    guard let held else { throw Ledger.closed }
    blobs.leases.close()
    ledger.close()
    return try Self.open(at: root, durability, clock, holding: held)
  }

  package func path(_ folder: Folder) -> FilePath { root.appending(folder.rawValue) }

  /// Closes the ledger and gives the lock back; nothing may be called afterwards. A second call does nothing.
  package func close() {
    lock.withLock { lock in
      guard let held = lock else { return }
      blobs.leases.close()
      ledger.close()
      held.release()
      lock = nil
    }
  }

  private static func inUse(_ root: FilePath) -> Failure {
    guard let file = storedRunFile(at: root) else {
      return Failure(
        .failedPrecondition,
        reason: "data-directory-in-use",
        "data directory '\(root)' is used by another kindling",
        hint: "stop that one, or choose another directory with --data-dir"
      )
    }
    return Failure(
      .failedPrecondition,
      reason: "data-directory-in-use",
      "data directory '\(root)' is used by the kindling at \(file.urls.http) (pid \(file.pid))",
      hint: "use that one, stop it with 'kill \(file.pid)', or choose another directory with --data-dir"
    )
  }

  private static func readOrMakeKey(_ path: FilePath, _ durability: Durability) throws(Failure) -> [UInt8] {
    if path.fileSize == nil {
      var random = SystemRandomNumberGenerator()
      let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
      try path.replaceContents(with: bytes, mode: 0o600, durability: durability)
    }
    let bytes = try path.readContents(limit: .kibibytes(1))
    guard bytes.count == 32 else {
      throw Failure(
        .dataLoss,
        reason: "key-damaged",
        "key file '\(path)' has \(bytes.count) bytes instead of 32",
        hint: "restore it, or remove it to start with a new one: sealed secrets and tokens are lost then"
      )
    }
    return bytes
  }

  private static let readme = """
    This is the data directory of kindling, a local build platform: builds, their logs, images and uploads.
    It belongs to a running server while 'lock' is held; when none runs, it is safe to delete as a whole.

    ledger.sqlite  builds, contexts, tags, manifests, sealed secrets; .before-N is the copy of an earlier version's
    oci/           image content by digest; other tools can open it as an OCI image layout
    builds/        one folder a build; events.ndjson is what happened, one JSON object a line
    quarantine/    blobs whose bytes were found to be wrong; safe to delete
    contexts/      uploaded archives by digest
    layers/ cache/ git/ made again when missing
    work/          emptied at every start
    key            seals secrets and signs tokens: keep it as private as the secrets

    """
}
