import Diagnostics
import OCI
import Outbound
import Storage
import SystemPackage

/// An image to be sent to another registry.
package struct PushableImage: Sendable {
  /// The manifest as it stands; its digest is what the registry must arrive at.
  package var manifest: RemoteManifest
  /// Config and layers, all in the blob store.
  package var blobs: [Descriptor]
  /// A repository of the same registry that is likely to have the layers already.
  package var likelySource: Repository?

  package init(manifest: RemoteManifest, blobs: [Descriptor], likelySource: Repository? = nil) {
    self.manifest = manifest
    self.blobs = blobs
    self.likelySource = likelySource
  }
}

extension RemoteImages {
  /// Sends the image's blobs, those that are missing there, and then its manifest under every name.
  ///
  /// All of `names` must lie in one repository of one registry; mirrors are never written to. Throws `registry-…`,
  /// `blob-unknown` for a blob that is not stored here, `outbound-…`, `cancelled`. Repeating it is safe.
  package func push(
    _ image: PushableImage, to names: [RemoteName], credentials: RegistryCredentials
  ) async throws(Failure) {
    guard let first = names.first else { return }
    guard names.allSatisfy({ $0.host == first.host && $0.repository == first.repository }) else {
      throw Failure(
        .invalidArgument, reason: "push-names-differ", "one push goes to one repository",
        hint: "push '\(first.host)/\(first.repository)' and the others one after the other")
    }
    let session = try await session(at: first.host, first.repository, access: .push, credentials: credentials)
    try await push(image, to: names, over: session)
  }

  /// What is done at the registry itself, never at its mirrors.
  func session(
    at host: String, _ repository: Repository, access: RegistrySession.Access, credentials: RegistryCredentials
  ) async throws(Failure) -> RegistrySession {
    var place = settings
    place.mirrors = [:]
    place.fallsBackToRegistry = true
    guard let endpoint = RegistryEndpoint.all(for: host, settings: place).first else {
      throw Failure(.failedPrecondition, reason: "registry-no-place", "there is no place to ask for '\(host)'")
    }
    return try await session(endpoint, repository, access: access, credentials: credentials)
  }

  /// `names` lie in the session's repository.
  func push(_ image: PushableImage, to names: [RemoteName], over session: RegistrySession) async throws(Failure) {
    var session = session
    if let source = image.likelySource, source != session.repository { session.source = source }
    var seen: Set<Digest> = []
    let wanted = image.blobs.filter { seen.insert($0.digest).inserted }
    let (blobs, settled) = (blobs, session)
    try await forEach(wanted, atOnce: settings.transfers) { (descriptor) async throws(Failure) in
      try await BlobUpload(session: settled, blobs: blobs, descriptor: descriptor).run()
    }
    for name in names { try await settled.put(image.manifest, as: name) }
  }
}

extension RegistrySession {
  fileprivate func put(_ manifest: RemoteManifest, as name: RemoteName) async throws(Failure) {
    let answer = try await send(
      "PUT", url("manifests/\(name.manifest)"), headers: [("Content-Type", manifest.mediaType.rawValue)],
      body: .bytes(manifest.bytes), redirects: .none)
    guard (200...299).contains(answer.status) else { throw await refusal(answer, what: "to take '\(name)'") }
    await answer.discard()
    if let said = answer.header("docker-content-digest").flatMap({ try? Digest($0) }),
      said.algorithm == manifest.digest.algorithm, said != manifest.digest
    {
      throw Failure(
        .unavailable, reason: "digest-invalid",
        "registry '\(host)' stored '\(name)' as '\(said)', not as '\(manifest.digest)'",
        hint: "something between changes what is sent")
    }
  }
}

/// One blob on its way to a registry.
struct BlobUpload {
  let session: RegistrySession
  let blobs: BlobStore
  let descriptor: Descriptor

  func run() async throws(Failure) {
    guard blobs.size(of: descriptor.digest)?.bytes == descriptor.size else {
      throw Failure(
        .notFound, reason: "blob-unknown",
        "blob '\(descriptor.digest)' is not stored here with its \(descriptor.size) bytes")
    }
    let head = try await session.send("HEAD", session.url("blobs/\(descriptor.digest)"))
    await head.discard()
    if head.status == 200 { return }
    guard head.status == 404 || head.status == 405 else { throw await session.refusal(head, what: what) }
    var backoff = Backoff(settings: session.settings, sleep: session.sleep)
    while true {
      do {
        return try await upload(&backoff)
      } catch {
        guard Backoff.mayHelp(error) || error.reason == "registry-upload-lost" else { throw error }
        guard try await backoff.again() else { throw error }
      }
    }
  }

  private var what: String { "blob '\(descriptor.digest)' in '\(session.repository)'" }

  /// Begins an upload, or is done at once when the registry can take the blob from a repository beside.
  private func upload(_ backoff: inout Backoff) async throws(Failure) {
    var tail = "blobs/uploads/"
    if let source = session.source {
      tail += "?mount=\(descriptor.digest)&from=\(RegistryTokens.encoded(session.endpoint.path(of: source)))"
    }
    let begun = try await session.send("POST", session.url(tail), headers: [("Content-Length", "0")], redirects: .none)
    if begun.status == 201 { return await begun.discard() }
    guard begun.status == 202, let location = begun.header("location") else {
      throw await session.refusal(begun, what: "to take " + what)
    }
    await begun.discard()
    let place = try begun.url.resolving(location)
    let least = begun.header("oci-chunk-min-length").flatMap { Int64($0) } ?? 0
    if descriptor.size <= max(session.settings.pieceSize.bytes, least) {
      try await finish(at: place, from: 0)
    } else {
      let last = try await sendPieces(to: place, pieceSize: max(session.settings.pieceSize.bytes, least), &backoff)
      try await finish(at: last, from: descriptor.size)
    }
  }

  /// Sends the blob piece by piece; after a broken connection the registry is asked what it has.
  private func sendPieces(
    to place: OutboundURL, pieceSize: Int64, _ backoff: inout Backoff
  ) async throws(Failure) -> OutboundURL {
    var place = place
    var offset: Int64 = 0
    while offset < descriptor.size {
      let length = min(pieceSize, descriptor.size - offset)
      do {
        let answer = try await session.send(
          "PATCH", place,
          headers: [
            ("Content-Type", "application/octet-stream"), ("Content-Range", "\(offset)-\(offset + length - 1)"),
          ],
          body: .file(blobs.path(of: descriptor.digest), offset: offset, length: length), redirects: .none,
          patience: session.settings.uploadPatience, repeats: false)
        place = try await next(answer, place)
        // Spec: the range in the answer is what the registry has, its last byte included.
        offset = answer.header("range").flatMap(Self.end(of:)) ?? offset + length
        backoff.reset()
      } catch {
        guard Backoff.mayHelp(error), try await backoff.again() else { throw error }
        let status = try await session.send("GET", place, redirects: .none)
        place = try await next(status, place)
        offset = status.header("range").flatMap(Self.end(of:)) ?? 0
      }
      guard !Task.isCancelled else { throw Failure(.cancelled, reason: "cancelled", "the push was cancelled") }
    }
    return place
  }

  /// Where the upload goes on.
  private func next(_ answer: OutboundAnswer, _ place: OutboundURL) async throws(Failure) -> OutboundURL {
    if Backoff.mayHelp(status: answer.status) || answer.status == 404 { throw await lost(answer) }
    guard (200...204).contains(answer.status) else { throw await session.refusal(answer, what: "to take " + what) }
    await answer.discard()
    return try answer.header("location").map { location throws(Failure) in try place.resolving(location) } ?? place
  }

  /// The end of `0-N`, which names the last byte; `0-0` of an empty upload is read as nothing yet.
  private static func end(of range: String) -> Int64? {
    let parts = range.split(separator: "-")
    guard parts.count == 2, let last = Int64(parts[1]), last >= 0 else { return nil }
    return last == 0 ? 0 : last + 1
  }

  /// Closes the upload; the whole blob travels with it when nothing was sent before.
  private func finish(at place: OutboundURL, from offset: Int64) async throws(Failure) {
    let separator = place.pathAndQuery.contains("?") ? "&" : "?"
    let closing = place.with(pathAndQuery: "\(place.pathAndQuery)\(separator)digest=\(descriptor.digest)")
    let rest = descriptor.size - offset
    let answer = try await session.send(
      "PUT", closing, headers: [("Content-Type", "application/octet-stream")],
      body: rest == 0 ? .bytes([]) : .file(blobs.path(of: descriptor.digest), offset: offset, length: rest),
      redirects: .none, patience: session.settings.uploadPatience, repeats: false)
    if Backoff.mayHelp(status: answer.status) || answer.status == 404 { throw await lost(answer) }
    guard (200...204).contains(answer.status) else { throw await session.refusal(answer, what: "to take " + what) }
    await answer.discard()
  }

  /// The upload cannot go on, and may succeed from its beginning.
  private func lost(_ answer: OutboundAnswer) async -> Failure {
    var failure = await session.refusal(answer, what: "to take " + what)
    failure.reason = "registry-upload-lost"
    return failure
  }
}
