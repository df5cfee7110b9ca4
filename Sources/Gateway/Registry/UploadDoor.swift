import Diagnostics
import HTTPTypes
import HummingbirdCore
import NIOCore
import OCI
import Registry

/// Pushing blobs: mounts, uploads in one request and in many.
struct UploadDoor: Sendable {
  let registry: ImageRegistry

  /// POST on `…/blobs/uploads/`.
  func start(_ call: Call, _ repository: Repository, _ caller: RegistryCaller) async throws(Failure) -> Response {
    guard call.method == .post else { return .registryMethodNotAllowed(call, allowed: [.post]) }
    let query = call.query
    if let text = query["mount"] {
      let digest = try Digest(text)
      if try await mount(digest, query["from"], into: repository, caller) { return created(digest, in: repository) }
    }
    let expected = try query["digest"].map { (text) throws(Failure) in try Digest(text) }
    let algorithm = if let expected { expected.algorithm } else { try Self.algorithm(query["digest-algorithm"]) }
    let upload = try await BlockingWork.run { () throws(Failure) in
      try registry.startUpload(in: repository, algorithm: algorithm)
    }
    guard let expected else { return accepted(upload, in: repository, offset: 0) }
    do throws(Failure) {
      try await append(call.request, to: upload, in: repository, at: 0)
      try await finish(upload, in: repository, expected)
    } catch {
      try? registry.cancelUpload(upload, in: repository)
      throw error
    }
    return created(expected, in: repository)
  }

  /// What the specification's next version lets a client say before it knows the digest.
  private static func algorithm(_ text: String?) throws(Failure) -> Digest.Algorithm {
    guard let text else { return .sha256 }
    guard let algorithm = Digest.Algorithm(rawValue: text) else {
      throw Failure(
        .invalidArgument, reason: "unsupported", "digest algorithm '\(text.prefix(100))' is not known here",
        hint: "use " + Digest.Algorithm.allCases.map(\.rawValue).joined(separator: " or "))
    }
    return algorithm
  }

  /// PATCH, PUT, GET and DELETE on `…/blobs/uploads/ID`.
  func respond(to call: Call, _ repository: Repository, id: String) async throws(Failure) -> Response {
    guard let upload = UploadID(id) else {
      throw Failure(
        .notFound,
        reason: "upload-unknown",
        "upload '\(id.prefix(100))' does not exist",
        hint: "begin with POST /v2/\(repository)/blobs/uploads/"
      )
    }
    switch call.method {
    case .get, .head:
      let offset = try registry.uploadOffset(upload, in: repository)
      return accepted(upload, in: repository, offset: offset, status: .noContent)
    case .patch: return try await patch(call, upload, repository)
    case .put: return try await put(call, upload, repository)
    case .delete:
      try await BlockingWork.run { () throws(Failure) in try registry.cancelUpload(upload, in: repository) }
      return Response(status: .noContent)
    default: return .registryMethodNotAllowed(call, allowed: [.get, .patch, .put, .delete])
    }
  }

  private func patch(_ call: Call, _ upload: UploadID, _ repository: Repository) async throws(Failure) -> Response {
    do throws(Failure) {
      try await appendChunk(call, upload, repository)
    } catch {
      guard error.reason == "range-invalid" else { throw error }
      return refusedRange(error, upload, repository)
    }
    return accepted(upload, in: repository, offset: try registry.uploadOffset(upload, in: repository))
  }

  private func put(_ call: Call, _ upload: UploadID, _ repository: Repository) async throws(Failure) -> Response {
    guard let text = call.query["digest"] else {
      throw Failure(
        .invalidArgument,
        reason: "digest-invalid",
        "the upload's end carries no digest",
        hint: "add ?digest=sha256:… to the URL"
      )
    }
    let digest = try Digest(text)
    do throws(Failure) {
      try await appendChunk(call, upload, repository)
    } catch {
      guard error.reason == "range-invalid" else { throw error }
      return refusedRange(error, upload, repository)
    }
    try await finish(upload, in: repository, digest)
    return created(digest, in: repository)
  }

  /// Appends the body, at the place its `Content-Range` says when it has one.
  private func appendChunk(_ call: Call, _ upload: UploadID, _ repository: Repository) async throws(Failure) {
    let chunk = try ChunkRange(call.header(.contentRange))
    if let chunk, let length = call.header(.contentLength).flatMap({ Int64($0) }), length != chunk.count {
      throw Failure(
        .invalidArgument,
        reason: "size-invalid",
        "the chunk has \(length) bytes where its content-range says \(chunk.count)"
      )
    }
    try await append(call.request, to: upload, in: repository, at: chunk?.first)
  }

  private func append(
    _ request: Request,
    to upload: UploadID,
    in repository: Repository,
    at offset: Int64?
  ) async throws(Failure) {
    // Checked before the first byte, so that a chunk at the wrong place changes nothing even when it is empty; and
    // with every piece, so that of two requests that write at once one stops.
    let start = if let offset { offset } else { try registry.uploadOffset(upload, in: repository) }
    try registry.checkOffset(start, of: upload, in: repository)
    try await BodyReader.pour(request) { (pieces, before) throws(Failure) in
      var next = start + before
      for piece in pieces {
        let end = piece.withUnsafeReadableBytes { bytes in
          Result { () throws(Failure) in try registry.append(to: upload, in: repository, at: next, bytes) }
        }
        next = try end.get()
      }
    }
  }

  private func finish(_ upload: UploadID, in repository: Repository, _ digest: Digest) async throws(Failure) {
    try await BlockingWork.run { () throws(Failure) in
      _ = try registry.finishUpload(upload, in: repository, expecting: digest)
    }
  }

  /// False when the blob is nowhere the caller may look, so that it has to be sent.
  private func mount(
    _ digest: Digest,
    _ from: String?,
    into repository: Repository,
    _ caller: RegistryCaller
  ) async throws(Failure) -> Bool {
    let source = from.flatMap { try? Repository($0) }
    if from != nil, source == nil { return false }
    if let source, (try? caller.check(source, writing: false)) == nil { return false }
    return try await BlockingWork.run { () throws(Failure) in
      try registry.mount(digest, from: source, into: repository)
    }
  }

  private func created(_ digest: Digest, in repository: Repository) -> Response {
    Response(
      status: .created,
      headers: [.location: "/v2/\(repository)/blobs/\(digest)", .dockerContentDigest: digest.description]
    )
  }

  private func accepted(
    _ upload: UploadID,
    in repository: Repository,
    offset: Int64,
    status: HTTPResponse.Status = .accepted
  ) -> Response {
    Response(status: status, headers: Self.sessionHeaders(upload, repository, offset))
  }

  /// 416 with where the upload stands, so that the client can go on from there.
  private func refusedRange(_ failure: Failure, _ upload: UploadID, _ repository: Repository) -> Response {
    var response = Response.registryFailure(failure)
    guard let offset = try? registry.uploadOffset(upload, in: repository) else { return response }
    response.headers.append(contentsOf: Self.sessionHeaders(upload, repository, offset))
    return response
  }

  /// Docker: an upload without bytes reports `0-0` as well.
  private static func sessionHeaders(_ upload: UploadID, _ repository: Repository, _ offset: Int64) -> HTTPFields {
    [
      .location: "/v2/\(repository)/blobs/uploads/\(upload)", .range: "0-\(max(0, offset - 1))",
      .dockerUploadID: "\(upload)",
    ]
  }
}
