import Diagnostics
import HTTPTypes
import HummingbirdCore
import NIOCore
import OCI
import Registry

/// Reading and deleting blobs.
struct BlobDoor: Sendable {
  let registry: ImageRegistry
  let sendsFilesDirectly: Bool

  func respond(to call: Call, _ repository: Repository, _ digest: Digest) async throws(Failure) -> Response {
    switch call.method {
    case .get, .head: return try read(call, repository, digest)
    case .delete:
      try await BlockingWork.run { () throws(Failure) in try registry.deleteBlob(digest, in: repository) }
      return Response(status: .accepted)
    default: return .registryMethodNotAllowed(call, allowed: [.get, .delete])
    }
  }

  private func read(_ call: Call, _ repository: Repository, _ digest: Digest) throws(Failure) -> Response {
    let blob = try registry.blob(digest, in: repository)
    let file = OpenBlob(blob.descriptor)
    let size = blob.size.bytes
    let tag = "\"\(digest)\""
    var headers: HTTPFields = [
      .contentType: "application/octet-stream", .dockerContentDigest: digest.description, .eTag: tag,
      .acceptRanges: "bytes",
    ]
    if EntityTag.matches(call.header(.ifNoneMatch), tag) { return Response(status: .notModified, headers: headers) }
    // An `If-Range` of another entity asks for the whole of this one.
    let wanted = call.header(.ifRange).map { $0 == tag } ?? true
    switch wanted ? ByteRange(call.header(.range), size: size) : .whole {
    case .unsatisfiable:
      headers[.contentRange] = "bytes */\(size)"
      headers[.contentType] = nil
      return Response(status: .rangeNotSatisfiable, headers: headers)
    case .whole: return response(.ok, headers, file, 0..<size, call)
    case .part(let range):
      headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
      return response(.partialContent, headers, file, range, call)
    }
  }

  private func response(
    _ status: HTTPResponse.Status,
    _ headers: HTTPFields,
    _ file: OpenBlob,
    _ range: Range<Int64>,
    _ call: Call
  ) -> Response {
    guard call.method != .head else {
      var headers = headers
      headers[.contentLength] = String(range.upperBound - range.lowerBound)
      return Response(status: status, headers: headers)
    }
    let channel = sendsFilesDirectly ? call.context.channel : nil
    return Response(status: status, headers: headers, body: file.body(range, over: channel))
  }
}
