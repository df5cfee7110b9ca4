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
    var expiresAt: Timestamp
  }

  private let writer: BlobWriter
  private let ledger: Ledger
  private let draft: Draft

  init(writer: BlobWriter, ledger: Ledger, draft: Draft) {
    self.writer = writer
    self.ledger = ledger
    self.draft = draft
  }

  /// Adds the next bytes of the archive.
  package func append(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    if let expected = draft.expectedSize, writer.count + Int64(bytes.count) > expected.bytes {
      throw sizeMismatch(atLeast: writer.count + Int64(bytes.count), expected: expected)
    }
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
    let stored = try writer.commit()
    let record = ContextRecord(
      id: ContextID.make(at: draft.createdAt), organization: draft.organization, name: draft.name,
      contentType: draft.contentType, digest: stored.digest, size: stored.size, createdAt: draft.createdAt,
      expiresAt: draft.expiresAt)
    try ledger.insert(record)
    return ContextReceipt(id: record.id, size: record.size)
  }

  /// Forgets what was received.
  package func cancel() { writer.cancel() }

  private func sizeMismatch(atLeast received: Int64, expected: ByteCount) -> Failure {
    Failure(
      .invalidArgument, reason: "context-size-mismatch",
      "the upload has \(received) bytes where expected_size_bytes says \(expected.bytes)",
      hint: "send the archive's true size, or 0 when it is not known")
  }
}
