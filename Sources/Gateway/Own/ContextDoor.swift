import Diagnostics
import FoundationEssentials
import HTTPTypes
import HummingbirdCore
import NIOCore
import OCI
import Service
import Storage

/// `POST /_kindling/contexts`: a context by the digest of its archive, for clients that would send what the organisation
/// has already.
struct ContextDoor: Sendable {
  let builds: BuildService

  private struct Order: Decodable {
    var digest: String
    var name: String?
  }

  private struct Receipt: Encodable {
    var contextId: String
    var sizeBytes: String
  }

  func respond(to call: Call, as caller: Identity) async throws(Failure) -> Response {
    guard let body = try await BodyReader.collect(call.request, limit: 64 << 10),
      let order = try? JSONDecoder().decode(Order.self, from: Data(body.readableBytesView)),
      let digest = try? Digest(order.digest)
    else {
      throw Failure(
        .invalidArgument, reason: "context-order-invalid", "the body does not name an archive",
        hint: "send {\"digest\": \"sha256:…\", \"name\": \"…\"}")
    }
    guard let receipt = try await builds.adoptContext(digest, name: order.name ?? "", as: caller) else {
      throw Failure(
        .notFound, reason: "context-unknown", "there is no context of this content",
        hint: "upload it with: kindling build upload --folder DIR --name NAME")
    }
    return .json(Receipt(contextId: receipt.id.text, sizeBytes: "\(receipt.size.bytes)"))
  }
}
