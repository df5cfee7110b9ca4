import Diagnostics
import OCI
import Storage

/// An upload in progress: bytes are hashed while they are written, and become a context when it finishes.
/// Dropped without `finish()`, nothing remains.
package final class ContextUpload: Sendable {
  struct Draft: Sendable {
    var organization: OrganizationName
    var name: String
    var contentType: String
    var expectedSize: ByteCount?
    var createdAt: Timestamp
  }

  private let writer: BlobWriter
  private let ledger: Ledger
  private let draft: Draft
  private let claim: ContextSpace.Claim
  private let clock: WallClock
  private let lifetime: Duration

  init(
    writer: BlobWriter, ledger: Ledger, draft: Draft, claim: ContextSpace.Claim, clock: WallClock, lifetime: Duration
  ) {
    self.writer = writer
    self.ledger = ledger
    self.draft = draft
    self.claim = claim
    self.clock = clock
    self.lifetime = lifetime
  }

  /// Adds the next bytes of the archive.
  package func append(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    if let expected = draft.expectedSize, writer.count + Int64(bytes.count) > expected.bytes {
      throw sizeMismatch(atLeast: writer.count + Int64(bytes.count), expected: expected)
    }
    try claim.take(bytes.count)
    try writer.write(bytes)
  }

  /// Makes the context durable and answers with its id.
  package func finish() async throws(Failure) -> ContextReceipt {
    guard writer.count > 0 else {
      throw Failure(
        .invalidArgument, reason: "context-empty", "the upload carried no bytes",
        hint: "send the archive in chunk messages after the metadata")
    }
    if let expected = draft.expectedSize, expected.bytes != writer.count {
      throw sizeMismatch(atLeast: writer.count, expected: expected)
    }
    defer { claim.end() }
    let stored = try writer.commit()
    let record = ContextRecord(
      id: ContextID.make(at: draft.createdAt), organization: draft.organization, name: draft.name,
      contentType: draft.contentType, digest: stored.digest, size: stored.size, createdAt: draft.createdAt,
      expiresAt: clock.now().adding(lifetime))
    try ledger.insert(record)
    return ContextReceipt(id: record.id, size: record.size)
  }

  /// Forgets what was received.
  package func cancel() {
    writer.cancel()
    claim.end()
  }

  private func sizeMismatch(atLeast received: Int64, expected: ByteCount) -> Failure {
    Failure(
      .invalidArgument, reason: "context-size-mismatch",
      "the upload has \(received) bytes where expected_size_bytes says \(expected.bytes)",
      hint: "send the archive's true size, or 0 when it is not known")
  }
}
