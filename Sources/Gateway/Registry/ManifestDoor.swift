import Diagnostics
import HTTPTypes
import HummingbirdCore
import NIOCore
import OCI
import Registry

/// Reading, pushing and deleting manifests.
struct ManifestDoor: Sendable {
  private static let bodyLimit = Int(ImageRegistry.manifestLimit.bytes)

  let registry: ImageRegistry

  func respond(
    to call: Call,
    _ repository: Repository,
    _ reference: ManifestReference
  ) async throws(Failure) -> Response {
    switch call.method {
    case .get, .head: return try read(call, repository, reference)
    case .put: return try await put(call, repository, reference)
    case .delete:
      try await BlockingWork.run { () throws(Failure) in try registry.deleteManifest(reference, in: repository) }
      return Response(status: .accepted)
    default: return .registryMethodNotAllowed(call, allowed: [.get, .put, .delete])
    }
  }

  /// `Accept` is not held against the client: a manifest has one form, and whoever cannot read it says so better than
  /// a 404 would.
  private func read(_ call: Call, _ repository: Repository, _ reference: ManifestReference) throws(Failure) -> Response
  {
    let manifest = try registry.manifest(reference, in: repository)
    let digest = manifest.digest.description
    let tag = "\"\(digest)\""
    let headers: HTTPFields = [
      .contentType: manifest.mediaType.rawValue, .dockerContentDigest: digest, .eTag: tag,
    ]
    if EntityTag.matches(call.header(.ifNoneMatch), tag) { return Response(status: .notModified, headers: headers) }
    return Response(
      status: .ok,
      headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: manifest.bytes))
    )
  }

  private func put(
    _ call: Call,
    _ repository: Repository,
    _ reference: ManifestReference
  ) async throws(Failure) -> Response {
    guard let body = try await BodyReader.collect(call.request, limit: Self.bodyLimit) else {
      throw Failure(
        .resourceExhausted,
        reason: "size-invalid",
        "the manifest is larger than 4 MiB",
        hint: "keep large content in layers"
      )
    }
    let bytes = Array(body.readableBytesView)
    let type = call.header(.contentType).map { MediaType(rawValue: String($0.prefix { $0 != ";" }.trimming(" "))) }
    // The specification's next version lets a push by digest name its tags.
    let tags = try call.query.all("tag").map { (text) throws(Failure) in try Tag(text) }
    let stored = try await BlockingWork.run { () throws(Failure) in
      try registry.putManifest(bytes, mediaType: type, as: reference, in: repository, tags: tags)
    }
    var headers: HTTPFields = [
      .location: "/v2/\(repository)/manifests/\(stored.digest)", .dockerContentDigest: stored.digest.description,
    ]
    headers[.ociSubject] = stored.subject?.description
    headers[.warning] = Self.warning(stored.missing)
    for tag in tags { headers.append(HTTPField(name: .ociTag, value: tag.name)) }
    return Response(status: .created, headers: headers)
  }

  /// The specification's `Warning`, which clients show: one of at most 4096 bytes, without quotes of its own.
  private static func warning(_ missing: [Digest]) -> String? {
    guard !missing.isEmpty else { return nil }
    let some = missing.prefix(4).map(\.description).joined(separator: ", ") + (missing.count > 4 ? ", ..." : "")
    return "299 - \"the index names \(missing.count) manifests that are not in this repository: \(some)\""
  }
}
