import Diagnostics
import OCI
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file on its way into a content-addressed folder: bytes are hashed while they are written under a temporary name.
///
/// One owner writes; the type is safe to hand between threads. Dropping it removes the temporary file.
package final class BlobWriter: Sendable {
  private struct State {
    /// Nil once committed or cancelled.
    var descriptor: FileDescriptor?
    var hash: HashState
    var count: Int64 = 0
    /// What broke the writer; the file may hold half a write, so that nothing can follow.
    var failure: Failure?
  }

  /// Only reached under the lock; the compiler cannot see that the bytes fed to it are not kept.
  private struct HashState: @unchecked Sendable { let running: RunningDigest }

  private let state: Mutex<State>
  private let temporary: FilePath
  private let folder: DigestFolder

  init(_ algorithm: Digest.Algorithm, temporary: FilePath, folder: DigestFolder) throws(Failure) {
    self.temporary = temporary
    self.folder = folder
    let descriptor = try temporary.open(O_RDWR | O_CREAT | O_EXCL, "creating a temporary file")
    state = Mutex(State(descriptor: descriptor, hash: HashState(running: RunningDigest(algorithm))))
  }

  deinit { cancel() }

  /// Bytes written so far.
  package var count: Int64 { state.withLock { $0.count } }

  /// Appends to the blob. After a failure the writer refuses everything but `cancel`.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    try state.withLock { state throws(Failure) in
      if let failure = state.failure { throw failure }
      guard let descriptor = state.descriptor else { throw Self.closed }
      do throws(Failure) {
        try descriptor.writeAll(bytes, to: temporary)
      } catch {
        state.failure = error
        throw error
      }
      state.hash.running.update(bytes)
      state.count += Int64(bytes.count)
    }
  }

  /// Appends bytes at hand.
  package func write(_ bytes: [UInt8]) throws(Failure) {
    try bytes.withUnsafeBytes { buffer in Result { () throws(Failure) in try write(buffer) } }.get()
  }

  /// Gives the blob its name; content that is already there stays, and the temporary file goes.
  ///
  /// When `expecting` is not what was written, throws `digest-invalid` and nothing is stored. A digest of the other
  /// algorithm than the writer was made for costs a second reading. `durably: false` leaves the fsync to
  /// `BlobStore.makeDurable`, for content nobody was promised yet.
  package func commit(expecting expected: Digest? = nil, durably: Bool = true) throws(Failure) -> (
    digest: Digest, size: ByteCount
  ) {
    try state.withLock { state throws(Failure) in
      if let failure = state.failure { throw failure }
      guard let descriptor = state.descriptor else { throw Self.closed }
      state.descriptor = nil
      defer { try? descriptor.close() }
      do throws(Failure) {
        var digest = state.hash.running.digest()
        if let expected, expected.algorithm != digest.algorithm {
          digest = try hash(descriptor, expected.algorithm, count: state.count)
        }
        if let expected, expected != digest {
          throw Failure(
            .invalidArgument,
            reason: "digest-invalid",
            "content has digest '\(digest)', not '\(expected)'",
            hint: "send it again; if that repeats, the sender hashes something else than it sends"
          )
        }
        try folder.adopt(
          temporary,
          descriptor,
          as: digest,
          size: ByteCount(state.count),
          durably: durably
        )
        return (digest, ByteCount(state.count))
      } catch {
        try? temporary.removeFile()
        throw error
      }
    }
  }

  /// Removes what was written; does nothing after `commit`.
  package func cancel() {
    state.withLock { state in
      guard let descriptor = state.descriptor else { return }
      state.descriptor = nil
      try? descriptor.close()
      try? temporary.removeFile()
    }
  }

  private func hash(_ descriptor: FileDescriptor, _ algorithm: Digest.Algorithm, count: Int64) throws(Failure) -> Digest
  {
    let running = RunningDigest(algorithm)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    var offset: Int64 = 0
    while offset < count {
      let read = try descriptor.read(at: offset, into: buffer, of: temporary)
      guard read > 0 else { break }
      running.update(UnsafeRawBufferPointer(rebasing: buffer[..<read]))
      offset += Int64(read)
    }
    return running.digest()
  }

  private static let closed = Failure(
    .internal,
    reason: "blob-writer-closed",
    "a blob was written to after it was committed or cancelled"
  )
}
