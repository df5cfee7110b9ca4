import Diagnostics
import OCI

/// Where an app's image comes from, as its caller said: the contract's three forms of `code.image`.
package enum AppCode: Sendable, Hashable, Codable {
  /// An image that is there; `secret` is the slot that its registry is shown.
  case prebuilt(reference: String, secret: String?)
  /// An archive in the context store, built here.
  case archive(Digest, dockerfile: String, arguments: [String: String])
  /// A commit of a repository, built here; the source names the secret slot that the remote is shown.
  case git(GitBuildSource, dockerfile: String, arguments: [String: String])

  /// The archive that must stay as long as this is named.
  package var archive: Digest? { if case .archive(let digest, _, _) = self { digest } else { nil } }

  /// Eight hexadecimal digits that are others for other code.
  package var hash: String {
    let bytes = (try? CanonicalJSON.encode(self)) ?? Array(String(describing: self).utf8)
    return String(Digest(sha256Of: bytes).hex.prefix(8))
  }
}

/// An image that an app can run: found, whole and unpacked once.
package struct AppImage: Sendable, Hashable, Codable {
  /// As it was deployed, with its digest.
  package var reference: String
  /// The repository of the embedded registry that it lies in.
  package var repository: Repository
  package var digest: Digest

  package init(reference: String, repository: Repository, digest: Digest) {
    self.reference = reference
    self.repository = repository
    self.digest = digest
  }
}
