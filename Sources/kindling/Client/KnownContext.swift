import API
import AsyncHTTPClient
import Diagnostics
import Foundation
import NIOHTTP1
import OCI
import SwiftProtobuf

/// Asks a server for a context by the digest of its archive, so that equal content is not sent again.
struct KnownContext: Sendable {
  let access: ServerAccess

  private struct Order: Encodable {
    var digest: String
    var name: String
  }

  /// Nil when the organisation has no such archive there, or the server is none of ours.
  func named(
    _ name: String, of digest: Digest
  ) async throws(Failure) -> Dodil_Ignite_V1_UploadBuildContextResponse? {
    let order = Order(digest: digest.description, name: name)
    guard let bytes = try? JSONEncoder().encode(order) else { return nil }
    do throws(Failure) {
      let body = try await HTTPDoor.open(access) { door in
        try await door.read(.POST, "/_kindling/contexts", body: .bytes(bytes), limit: SharedOptions.unaryTimeout)
      }
      return try? Dodil_Ignite_V1_UploadBuildContextResponse(jsonUTF8Bytes: Array(body))
    } catch  where error.code == .notFound {
      return nil
    }
  }
}
