import Diagnostics
import Glibc
import OCI
import Synchronization
import SystemPackage

/// One remote in one organisation; nothing is shared between two of them.
struct StoreKey: Sendable, Hashable {
  /// The folder's name: a hash, so that no address shows in the file system.
  let name: String
  init(scope: String, identity: String) { name = Digest(sha256Of: Array("\(scope)\0\(identity)".utf8)).hex }
}

/// Fetched objects kept on disk and used again: `<folder>/<remote>/<number>`, one piece for each fetch.
///
/// A piece is made beside and renamed in, so that after `kill -9` there are whole pieces only. Nothing is synced:
/// after the machine itself stopped without `close`, the store begins empty. One process owns the folder.
package final class GitStore: Sendable {
  struct Piece {
    var record: PieceRecord
    var bytes: Int64
    /// Nanoseconds; what other pieces need is never older than they are.
    var used: Int64
    var leases = 0
  }

  package let folder: FilePath
  private let budget: ByteCount
  let turns = FetchTurns()
  /// Bytes on the disk's file system that this process may use.
  private let free: @Sendable (FilePath) throws(Failure) -> ByteCount
  /// Left free for everything else on the same disk, which must be able to say that it is full.
  private static let spare = ByteCount.mebibytes(32)
  /// How far pieces that are being written reach.
  private let growing = Mutex<[Int: Int64]>([:])
  /// Of each remote's folder the pieces by their numbers.
  private let state = Mutex<[String: [Int: Piece]]>([:])
  private let numbers = Mutex(0)
  /// What this process added: all that `close` has to wait for.
  private let added = Mutex<[(String, Int)]>([])
  /// So many pieces one commit may be spread over; then it is fetched anew and the old ones go in their time.
  private static let longestChain = 16
  private static let running = "running"

  /// What is kept where nobody says otherwise.
  package static let usualBudget = ByteCount.mebibytes(10 << 10)

  /// Opens the store in `folder`, which is made; sweeps what an interrupted fetch left. `budget` bounds what is kept
  /// beyond what is in use.
  package convenience init(folder: FilePath, budget: ByteCount = usualBudget) throws(Failure) {
    try self.init(folder: folder, budget: budget, boot: Self.bootID())
  }

  init(
    folder: FilePath, budget: ByteCount, boot: String,
    free: @escaping @Sendable (FilePath) throws(Failure) -> ByteCount = StoreFolder.free
  ) throws(Failure) {
    self.free = free
    self.folder = folder
    self.budget = budget
    try StoreFolder.make(folder)
    let mark = folder.appending(Self.running)
    let isSafe = try StoreFolder.read(mark).map { $0 == boot } ?? true
    for name in try StoreFolder.names(in: folder) where name != Self.running {
      if isSafe { try load(name) } else { try StoreFolder.remove(folder.appending(name)) }
    }
    try StoreFolder.write(boot, to: mark)
    try enforceBudget()
  }

  /// Leaves the mark of a clean stop: what is kept is on the disk and good after any restart of the machine.
  package func close() throws(Failure) {
    for (name, number) in added.withLock({ $0 }) {
      let place = folder.appending(name).appending(String(number))
      for file in try StoreFolder.names(in: place) { try synchronize(place.appending(file)) }
      for directory in [place, place.removingLastComponent(), folder] { try synchronize(directory) }
    }
    try StoreFolder.remove(folder.appending(Self.running))
  }

  private func synchronize(_ path: FilePath) throws(Failure) {
    // What was dropped meanwhile needs no syncing.
    guard let file = try? OpenFile(path) else { return }
    guard fsync(file.descriptor) == 0 else { throw .gitFile(errno, "synced", path) }
  }

  /// Bytes kept now.
  package var size: ByteCount {
    ByteCount(state.withLock { $0.values.reduce(0) { $0 + $1.values.reduce(0) { $0 + $1.bytes } } })
  }

  // MARK: Finding

  /// What is at hand of a commit and covers `directory`, leased; nil when a fetch is needed.
  func find(_ key: StoreKey, commit: ObjectID, directory: String) throws(Failure) -> GitHolding? {
    try find(key) { $0.id == commit && $0.covers(directory) }
  }

  /// Something of a commit, its trees at least, leased: what a fetch of another directory of it can build on.
  func trees(_ key: StoreKey, of commit: ObjectID) throws(Failure) -> GitHolding? {
    try find(key, longest: Self.longestChain - 1) { $0.id == commit }
  }

  private func find(
    _ key: StoreKey, longest: Int = .max, _ fits: (PieceRecord.Commit) -> Bool
  ) throws(Failure) -> GitHolding? {
    let number = state.withLock { state in
      state[key.name]?.filter {
        $0.value.record.needs.count <= longest && $0.value.record.commits.contains(where: fits)
      }
      .max { $0.key < $1.key }?.key
    }
    guard let number else { return nil }
    return try lease(key, number)
  }

  /// The commits last used that are whole, leased: what a fetch of another commit can build on.
  func newest(_ key: StoreKey, format: ObjectID.Format) throws(Failure) -> (commits: [ObjectID], holding: GitHolding)? {
    let best: (Int, Piece)? = state.withLock { state in
      state[key.name]?.filter { _, piece in
        piece.record.needs.count < Self.longestChain
          && piece.record.commits.contains { $0.isWhole && $0.id.format == format }
      }.max { ($0.value.used, $0.key) < ($1.value.used, $1.key) }.map { ($0.key, $0.value) }
    }
    guard let (number, piece) = best, let holding = try lease(key, number) else { return nil }
    return (piece.record.commits.filter(\.isWhole).map(\.id), holding)
  }

  /// Leases the piece and all it needs; a piece that cannot be opened is dropped, and nil returned.
  private func lease(_ key: StoreKey, _ number: Int) throws(Failure) -> GitHolding? {
    let numbers = state.withLock { Self.take(key, number, &$0) }
    return numbers.isEmpty ? nil : try hold(key, numbers)
  }

  /// Counts a lease of the piece and of all it needs; empty where one of them is gone.
  private static func take(_ key: StoreKey, _ number: Int, _ state: inout [String: [Int: Piece]]) -> [Int] {
    guard let piece = state[key.name]?[number] else { return [] }
    let numbers = [number] + piece.record.needs
    guard numbers.allSatisfy({ state[key.name]?[$0] != nil }) else { return [] }
    for number in numbers { state[key.name]?[number]?.leases += 1 }
    return numbers
  }

  /// Opens pieces whose leases are counted.
  private func hold(_ key: StoreKey, _ numbers: [Int]) throws(Failure) -> GitHolding? {
    let lease = GitLease(store: self, key: key, numbers: numbers)
    do throws(Failure) {
      return GitHolding(source: ObjectSources(try numbers.map(open(key))), numbers: numbers, lease: lease)
    } catch {
      // Damaged on the disk, or gone from it: the same is fetched again.
      guard error.code == .notFound || error.code == .dataLoss else { throw error }
      lease.release()
      for number in numbers { try drop(key, number) }
      return nil
    }
  }

  private func open(_ key: StoreKey) -> (Int) throws(Failure) -> any ObjectSource {
    { number throws(Failure) in try PieceWriter.open(self.folder.appending(key.name).appending(String(number))) }
  }

  /// Gives pieces back; they were in use until now.
  func release(_ key: StoreKey, _ numbers: [Int]) {
    let now = Self.now()
    for number in numbers {
      StoreFolder.touch(folder.appending(key.name).appending(String(number)).appending(PieceWriter.record))
    }
    state.withLock { state in
      for number in numbers {
        state[key.name]?[number]?.leases -= 1
        state[key.name]?[number]?.used = now
      }
    }
    // A full disk or a broken one shows at the next fetch, which can say so to somebody.
    try? enforceBudget()
  }

  // MARK: Adding

  /// A piece to be filled, invisible until `add`. Throws `disk-full` where there is no room for any.
  func begin(_ key: StoreKey, format: ObjectID.Format, limits: GitLimits) throws(Failure) -> PieceWriter {
    let place = folder.appending(key.name)
    try StoreFolder.make(place)
    let number = takeNumber()
    let space = PieceSpace(store: self, number: number)
    try space.reach(1, written: 0)
    return try PieceWriter(place.appending(".new-\(number)"), format: format, limits: limits, space: space)
  }

  /// Takes the piece into the store and leases it with what it needs.
  func add(_ key: StoreKey, _ writer: PieceWriter, _ record: PieceRecord) throws(Failure) -> GitHolding {
    let number = takeNumber()
    let place = folder.appending(key.name).appending(String(number))
    try writer.finish(record, as: place)
    let piece = Piece(record: record, bytes: try StoreFolder.size(place), used: Self.now())
    // Leased in the moment it can be seen: another fetch may be making room just now.
    let numbers = state.withLock { state in
      state[key.name, default: [:]][number] = piece
      return Self.take(key, number, &state)
    }
    added.withLock { $0.append((key.name, number)) }
    guard !numbers.isEmpty, let holding = try hold(key, numbers) else {
      throw Failure(
        .dataLoss, reason: "git-store-damaged", "what was fetched into '\(folder)' cannot be read back",
        hint: "look for errors of the disk, and fetch again")
    }
    try enforceBudget()
    return holding
  }

  /// A folder for files that live as long as a lease.
  func scratch(_ key: StoreKey) throws(Failure) -> FilePath {
    let place = folder.appending(key.name).appending(".new-\(takeNumber())")
    try StoreFolder.make(place)
    return place
  }

  private func takeNumber() -> Int {
    numbers.withLock { last in
      last += 1
      return last
    }
  }

  // MARK: Keeping house

  private func load(_ name: String) throws(Failure) {
    let place = folder.appending(name)
    var pieces: [Int: Piece] = [:]
    for entry in try StoreFolder.names(in: place) {
      let path = place.appending(entry)
      guard let number = Int(entry), let text = try StoreFolder.read(path.appending(PieceWriter.record)),
        let record = PieceRecord(text: text)
      else {
        try StoreFolder.remove(path)
        continue
      }
      let used = StoreFolder.timeOfUse(path.appending(PieceWriter.record))
      pieces[number] = Piece(record: record, bytes: try StoreFolder.size(path), used: used)
      numbers.withLock { $0 = max($0, number) }
    }
    state.withLock { $0[name] = pieces }
  }

  /// Makes room for `bytes` more of a piece, of what nobody uses where need be; throws `disk-full`.
  func makeRoom(_ bytes: Int64, for number: Int, reaching end: Int64) throws(Failure) {
    growing.withLock { $0[number] = end }
    try enforceBudget()
    while true {
      let free = try free(folder)
      if free.bytes >= bytes + Self.spare.bytes { return }
      guard try dropOldest(beyond: .init(0)) else {
        throw Failure(
          .resourceExhausted, reason: "disk-full",
          "disk of '\(folder)' has \(free) free, too little for what is fetched", hint: "free space on the disk")
      }
    }
  }

  /// A piece is in the store now, or gone.
  func forgetGrowing(_ number: Int) { growing.withLock { $0[number] = nil } }

  /// Drops the least recently used that nobody leases until the rest fits, with what is being written.
  private func enforceBudget() throws(Failure) {
    let grown = growing.withLock { $0.values.reduce(0, +) }
    while try dropOldest(beyond: ByteCount(budget.bytes - grown)) {}
  }

  /// Drops the least recently used where all together is larger than `size`; what needs a dropped piece goes with it.
  /// False when nothing was to be dropped.
  private func dropOldest(beyond size: ByteCount) throws(Failure) -> Bool {
    let victim: (String, Int)? = state.withLock { state in
      let all = state.flatMap { name, pieces in pieces.map { (name: name, number: $0.key, piece: $0.value) } }
      guard all.reduce(0, { $0 + $1.piece.bytes }) > size.bytes else { return nil }
      return all.filter { $0.piece.leases == 0 }
        .min { ($0.piece.used, -$0.number) < ($1.piece.used, -$1.number) }.map { ($0.name, $0.number) }
    }
    guard let (name, number) = victim else { return false }
    try drop(name, number)
    return true
  }

  private func drop(_ key: StoreKey, _ number: Int) throws(Failure) { try drop(key.name, number) }

  private func drop(_ name: String, _ number: Int) throws(Failure) {
    let gone: [Int] = state.withLock { state in
      let pieces = state[name] ?? [:]
      // A leased piece leases what it needs, so no dropped piece is needed by one.
      let gone = pieces.filter { $0.key == number || $0.value.record.needs.contains(number) }
        .filter { $0.value.leases == 0 }.map(\.key)
      for number in gone { state[name]?[number] = nil }
      return gone
    }
    for number in gone { try StoreFolder.remove(folder.appending(name).appending(String(number))) }
  }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  private static func bootID() throws(Failure) -> String {
    try StoreFolder.read("/proc/sys/kernel/random/boot_id", limit: 256)?.split(separator: "\n").first.map(String.init)
      ?? "unknown"
  }
}
