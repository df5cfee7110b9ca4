import Diagnostics
import OCI

/// A name the image gets, and how Kaniko writes it.
struct ImageDestination: Sendable, Hashable {
  let reference: Reference
  let tag: Tag

  /// Throws `reference-invalid` and its kin, and `destination-digest` for one that names a digest.
  init(_ text: String) throws(Failure) {
    reference = try Reference(text)
    guard reference.digest == nil else {
      throw Failure(
        .invalidArgument, reason: "destination-digest", "destination '\(text)' names a digest",
        hint: "give a tag: the digest is known only after the build")
    }
    tag = reference.tag ?? .latest
  }

  /// `docker.io` by the name it is reached under, its one-word repositories in `library/`, as Kaniko writes names into
  /// its files.
  var fullName: String {
    let hub = "index.docker.io"
    let host = reference.registry.map { $0 == "docker.io" ? hub : $0 } ?? hub
    let path = reference.repository.name
    return host == hub && !path.contains("/") ? "\(host)/library/\(path)" : "\(host)/\(path)"
  }

  /// `name:tag`, as docker shows it.
  var shortName: String {
    (reference.registry.map { $0 + "/" } ?? "") + "\(reference.repository):\(tag)"
  }
}
