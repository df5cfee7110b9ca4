import Diagnostics
import GRPCCore
import Service

/// Resolves the caller of an RPC from its metadata.
struct Callers: Sendable {
  let identities: IdentityService

  /// Throws UNAUTHENTICATED without a token that the server believes.
  func caller(of metadata: Metadata) async throws(Failure) -> Identity {
    let header = metadata[stringValues: "authorization"].first { _ in true }
    return try await identities.identity(authorization: header)
  }
}
