import Diagnostics
import Service
import Storage
import SystemPackage

/// The token in `DATA/token`, made at the first start for the default organisation: the command line finds it there.
struct FirstToken {
  let data: DataDirectory

  /// Readable by the owner alone; made anew when it is missing or has ended.
  func makeIfMissing(by identities: IdentityService) async throws(Failure) {
    let path = data.root.appending("token")
    if let stored = Self.read(path), (try? await identities.identity(token: stored)) != nil { return }
    let token = try await identities.mintToken(for: identities.defaultOrganization, lifetime: .seconds(365 * 86_400))
    try path.replaceContents(with: (token + "\n").utf8, mode: 0o600, durability: data.durability)
  }

  private static func read(_ path: FilePath) -> String? {
    guard let bytes = try? path.readContents(limit: .kibibytes(16)) else { return nil }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init)
  }
}
