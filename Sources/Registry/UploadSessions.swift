import Diagnostics
import OCI
import Storage
import Synchronization

/// Blobs on their way in, each in any number of requests.
///
/// A session's hash goes on from request to request, so that many chunks cost what one does. It lives in memory:
/// a restart ends it, as does a day without a request, and the client begins again.
final class UploadSessions: Sendable {
  static let idleMilliseconds: Int64 = 24 * 60 * 60 * 1000
  /// Each holds a descriptor.
  static let most = 1024
  /// When all are taken, one that brought nothing for as long makes room for another.
  static let patienceMilliseconds: Int64 = 60 * 1000

  private final class Session: Sendable {
    struct State {
      var usedAt: Timestamp
      /// Finished or cancelled while a request still held it.
      var isOver = false
    }

    let repository: Repository
    let writer: BlobWriter
    /// Held by the one request that writes.
    let state: Mutex<State>

    init(_ repository: Repository, _ writer: BlobWriter, at moment: Timestamp) {
      self.repository = repository
      self.writer = writer
      state = Mutex(State(usedAt: moment))
    }
  }

  private let blobs: BlobStore
  private let clock: WallClock
  private let sessions = Mutex<[UploadID: Session]>([:])

  init(blobs: BlobStore, clock: WallClock) {
    self.blobs = blobs
    self.clock = clock
  }

  func start(in repository: Repository, algorithm: Digest.Algorithm) throws(Failure) -> UploadID {
    let now = clock.now()
    removeIdle(at: now)
    let id = UploadID()
    let session = Session(repository, try blobs.writer(algorithm), at: now)
    let isFull = sessions.withLock { sessions in
      if sessions.count >= Self.most { Self.removeLongestIdle(&sessions, at: now) }
      guard sessions.count < Self.most else { return true }
      sessions[id] = session
      return false
    }
    guard !isFull else {
      throw Failure(
        .resourceExhausted,
        reason: "too-many-requests",
        "\(Self.most) uploads are open already",
        hint: "finish or cancel some, and try again"
      )
    }
    return id
  }

  /// Bytes received so far: where the next chunk begins.
  func offset(of id: UploadID, in repository: Repository) throws(Failure) -> Int64 {
    try session(id, in: repository).writer.count
  }

  func append(
    to id: UploadID,
    in repository: Repository,
    at expected: Int64?,
    _ bytes: UnsafeRawBufferPointer
  ) throws(Failure) -> Int64 {
    let session = try session(id, in: repository)
    let now = clock.now()
    return try alone(with: session, id) { (state) throws(Failure) in
      try Self.check(expected, session.writer.count)
      do throws(Failure) { try session.writer.write(bytes) } catch {
        // What a full disk cut off cannot go on; its bytes are the first to make room.
        state.isOver = true
        sessions.withLock { $0[id] = nil }
        session.writer.cancel()
        throw error
      }
      state.usedAt = now
      return session.writer.count
    }
  }

  func finish(
    _ id: UploadID,
    in repository: Repository,
    expecting digest: Digest
  ) throws(Failure) -> (digest: Digest, size: ByteCount) {
    let session = try session(id, in: repository)
    return try alone(with: session, id) { (state) throws(Failure) in
      state.isOver = true
      sessions.withLock { $0[id] = nil }
      return try session.writer.commit(expecting: digest)
    }
  }

  func cancel(_ id: UploadID, in repository: Repository) throws(Failure) {
    let session = try session(id, in: repository)
    try alone(with: session, id) { (state) throws(Failure) in
      state.isOver = true
      sessions.withLock { $0[id] = nil }
      session.writer.cancel()
    }
  }

  static func check(_ expected: Int64?, _ offset: Int64) throws(Failure) {
    guard let expected, expected != offset else { return }
    throw Failure(
      .outOfRange,
      reason: "range-invalid",
      "the chunk begins at byte \(expected) where the upload stands at \(offset)",
      hint: "go on at byte \(offset)"
    )
  }

  private func session(_ id: UploadID, in repository: Repository) throws(Failure) -> Session {
    guard let session = sessions.withLock({ $0[id] }), session.repository == repository else {
      throw Self.unknown(id, repository)
    }
    return session
  }

  /// Runs `body` unless another request is writing to the session.
  private func alone<T: Sendable>(
    with session: Session,
    _ id: UploadID,
    _ body: (inout Session.State) throws(Failure) -> T
  ) throws(Failure) -> T {
    let result = try session.state.withLockIfAvailable { state throws(Failure) in
      guard !state.isOver else { throw Self.unknown(id, session.repository) }
      return try body(&state)
    }
    guard let result else {
      throw Failure(
        .aborted,
        reason: "upload-invalid",
        "another request is writing to upload '\(id)'",
        hint: "send an upload's chunks one after the other"
      )
    }
    return result
  }

  /// Forgets uploads that nobody goes on with; how many.
  @discardableResult
  func removeIdle(at now: Timestamp, isDry: Bool = false) -> Int {
    let limit = now.milliseconds - Self.idleMilliseconds
    return sessions.withLock { sessions in
      let alive = sessions.filter { _, session in
        session.state.withLockIfAvailable { $0.usedAt.milliseconds > limit } ?? true
      }
      let count = sessions.count - alive.count
      if !isDry { sessions = alive }
      return count
    }
  }

  private static func removeLongestIdle(_ sessions: inout [UploadID: Session], at now: Timestamp) {
    let idle = sessions.compactMap { id, session in
      session.state.withLockIfAvailable { $0.usedAt }.map { (id: id, usedAt: $0) }
    }
    guard let longest = idle.min(by: { $0.usedAt < $1.usedAt }),
      longest.usedAt.milliseconds <= now.milliseconds - patienceMilliseconds
    else { return }
    sessions[longest.id] = nil
  }

  private static func unknown(_ id: UploadID, _ repository: Repository) -> Failure {
    Failure(
      .notFound,
      reason: "upload-unknown",
      "upload '\(id)' does not exist in repository '\(repository)'",
      hint: "begin again; an upload ends with a restart of the server and after a day without a request"
    )
  }
}
