import Diagnostics
import GRPCCore
import Service

/// Resolves the caller of an RPC from its metadata.
struct Callers: Sendable {
  let identities: IdentityService

  /// Throws UNAUTHENTICATED without a token that the server believes.
  func caller(of metadata: Metadata) async throws(Failure) -> Identity {
    try await identities.identity(
      authorization: first("authorization", of: metadata),
      organization: first("x-organization-name", of: metadata) ?? first("x-organization-id", of: metadata))
  }

  private func first(_ key: String, of metadata: Metadata) -> String? {
    metadata[stringValues: key].first { _ in true }
  }
}
