import Diagnostics
import OCI
import Outbound
import Storage

/// One blob on its way from a registry into the blob store; a broken connection goes on where it broke.
struct BlobDownload {
  let session: RegistrySession
  let blobs: BlobStore
  let descriptor: Descriptor
  let meter: TransferMeter?

  /// Stores the blob, not yet durably, or throws `blob-unknown`, `size-invalid`, `digest-invalid` and what the
  /// connection throws.
  func run() async throws(Failure) {
    var backoff = Backoff(settings: session.settings, sleep: session.sleep)
    var writer = try blobs.writer(descriptor.digest.algorithm)
    var mismatches = 0
    while true {
      let before = writer.count
      do throws(Failure) {
        if try await !fetch(into: writer) {
          // The server began at the front again: so do we.
          meter?.advance(by: -writer.count)
          writer.cancel()
          writer = try blobs.writer(descriptor.digest.algorithm)
          guard try await fetch(into: writer) else { throw unanswered }
        }
        guard writer.count == descriptor.size else { throw sizeMismatch(writer.count) }
        _ = try writer.commit(expecting: descriptor.digest, durably: false)
        return
      } catch {
        if error.reason == "digest-invalid" {
          // Damaged on the way, perhaps; a second time it is the registry's.
          mismatches += 1
          guard mismatches < 2 else { throw otherContent(error) }
          meter?.advance(by: -descriptor.size)
          writer = try blobs.writer(descriptor.digest.algorithm)
          continue
        }
        guard Backoff.mayHelp(error) else {
          writer.cancel()
          throw error
        }
        if writer.count > before { backoff.reset() }
        guard try await backoff.again() else {
          writer.cancel()
          throw error
        }
      }
    }
  }

  /// Reads what is still missing; false when the server does not continue where it is asked to.
  private func fetch(into writer: BlobWriter) async throws(Failure) -> Bool {
    let offset = writer.count
    guard offset < descriptor.size || offset == 0 else { return true }
    var headers: [(name: String, value: String)] = []
    if offset > 0 { headers.append(("Range", "bytes=\(offset)-")) }
    let answer = try await session.send("GET", session.url("blobs/\(descriptor.digest)"), headers: headers)
    switch answer.status {
    case 200 where offset == 0: break
    case 206 where answer.header("content-range")?.hasPrefix("bytes \(offset)-") == true: break
    case 200, 206, 416: return false
    case 404:
      throw Failure(
        .notFound, reason: "blob-unknown",
        "registry '\(session.host)' names blob '\(descriptor.digest)' in '\(session.repository)' and does not have it",
        hint: "push the image there again")
    default:
      throw await session.refusal(answer, what: "blob '\(descriptor.digest)'")
    }
    try await answer.forEachChunk { chunk throws(Failure) in
      guard writer.count + Int64(chunk.count) <= descriptor.size else {
        throw sizeMismatch(writer.count + Int64(chunk.count))
      }
      try writer.write(chunk)
      meter?.advance(by: Int64(chunk.count))
    }
    return true
  }

  private var unanswered: Failure {
    Failure(
      .unavailable, reason: "registry-answer",
      "registry '\(session.host)' sends blob '\(descriptor.digest)' neither from the front nor from the middle")
  }

  private func otherContent(_ failure: Failure) -> Failure {
    Failure(
      .unavailable, reason: "digest-invalid",
      "registry '\(session.host)' sends other content for a blob of '\(session.repository)' than its digest says",
      hint: "push the image there again", cause: failure.message)
  }

  private func sizeMismatch(_ count: Int64) -> Failure {
    Failure(
      .unavailable, reason: "size-invalid",
      "registry '\(session.host)' sends \(count > descriptor.size ? "more" : "fewer") than the \(descriptor.size) bytes "
        + "that blob '\(descriptor.digest)' has by its manifest", hint: "push the image there again")
  }
}
