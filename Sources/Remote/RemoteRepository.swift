import Diagnostics
import OCI
import Outbound
import Storage
import Synchronization

/// One repository of another registry, read and written piece by piece. It is logged in to once for reading and once
/// for writing, however many pieces there are.
package final class RemoteRepository: Sendable {
  private let images: RemoteImages
  private let host: String
  private let repository: Repository
  private let credentials: RegistryCredentials
  private let sessions = Mutex<[RegistrySession.Access: RegistrySession]>([:])

  /// Mirrors are not asked: what is written is read at the same place.
  package init(_ images: RemoteImages, host: String, repository: Repository, credentials: RegistryCredentials) {
    self.images = images
    self.host = host
    self.repository = repository
    self.credentials = credentials
  }

  /// The manifest under a tag; nil when there is none. Throws `registry-…`, `digest-invalid`, `base-image-…`,
  /// `outbound-…`, `cancelled`.
  package func manifest(_ tag: Tag) async throws(Failure) -> RemoteManifest? {
    do throws(Failure) {
      return try await session(.pull).manifest(.tag(tag), what: "'\(name(tag))'")
    } catch {
      guard error.reason == "image-unknown" else { throw error }
      return nil
    }
  }

  /// The whole of a small blob, checked against its digest. Throws `size-invalid`, `digest-invalid`, and as above.
  package func bytes(of descriptor: Descriptor) async throws(Failure) -> [UInt8] {
    let session = try await session(.pull)
    let answer = try await session.send("GET", session.url("blobs/\(descriptor.digest)"))
    guard answer.status == 200 else { throw await session.refusal(answer, what: "blob '\(descriptor.digest)'") }
    let bytes = try await answer.bytes(limit: ByteCount(descriptor.size))
    let running = RunningDigest(descriptor.digest.algorithm)
    running.update(bytes)
    guard Int64(bytes.count) == descriptor.size, running.digest() == descriptor.digest else {
      throw Failure(
        .unavailable, reason: "digest-invalid",
        "registry '\(host)' sends other content for blob '\(descriptor.digest)' than its digest says")
    }
    return bytes
  }

  /// Fetches a blob into the store, checked against its digest, unless it is there.
  package func fetch(_ descriptor: Descriptor) async throws(Failure) {
    guard images.blobs.size(of: descriptor.digest)?.bytes != descriptor.size else { return }
    let session = try await session(.pull)
    try await BlobDownload(session: session, blobs: images.blobs, descriptor: descriptor, meter: nil).run()
  }

  /// Sends the image, its blobs first; they must be in the store.
  package func push(_ image: PushableImage, as tag: Tag) async throws(Failure) {
    let name = RemoteName(host: host, repository: repository, manifest: .tag(tag))
    try await images.push(image, to: [name], over: try await session(.push))
  }

  private func name(_ tag: Tag) -> String { "\(host)/\(repository):\(tag)" }

  /// Two callers at once may both log in; the later one's is kept, and either serves.
  private func session(_ access: RegistrySession.Access) async throws(Failure) -> RegistrySession {
    if let known = sessions.withLock({ $0[access] }) { return known }
    let opened = try await images.session(at: host, repository, access: access, credentials: credentials)
    sessions.withLock { $0[access] = opened }
    return opened
  }
}
