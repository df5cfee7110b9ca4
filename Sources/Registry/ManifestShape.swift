import Diagnostics
import OCI

/// What the registry has to know of a manifest, read from the bytes that it keeps exactly as they came.
///
/// Members the registry does not know are no error, and media types neither: other people's artifacts are welcome.
struct ManifestShape {
  private struct Document: Decodable {
    var schemaVersion: Int?
    var mediaType: MediaType?
    var artifactType: String?
    var config: Descriptor?
    var layers: [Descriptor]?
    var manifests: [Descriptor]?
    /// Of the artifact manifests that OCI 1.1 had for a while.
    var blobs: [Descriptor]?
    var subject: Descriptor?
    var annotations: [String: String]?
  }

  let mediaType: MediaType
  /// As referrers list it (image-spec, "artifactType" of descriptors): the manifest's own, or its config's media type.
  let artifactType: String?
  let subject: Digest?
  let annotations: [String: String]?
  /// Config and layers that must be in the repository.
  let blobs: [Digest]
  /// What else it names and what may be absent: an index's manifests, layers that are elsewhere, and everything in a
  /// manifest of a kind that is not known here.
  let children: [Digest]

  /// Throws `manifest-invalid` with what is wrong. `declared` is the media type the client sent with it, if any.
  init(_ bytes: [UInt8], declared: MediaType?) throws(Failure) {
    let document = try Self.decode(bytes)
    let own = document.mediaType
    if let own, let declared, own != declared {
      throw Self.invalid("its mediaType is '\(own)', but it was sent as '\(declared)'")
    }
    guard let mediaType = declared ?? own ?? Self.guess(document) else {
      throw Self.invalid("it says neither by 'mediaType' nor by its members what it is")
    }
    try Self.check(document, mediaType)
    let descriptors =
      [document.config, document.subject].compactMap { $0 } + (document.layers ?? []) + (document.manifests ?? [])
    for descriptor in descriptors where descriptor.size < 0 {
      throw Self.invalid("descriptor '\(descriptor.digest)' has the size \(descriptor.size)")
    }
    self.mediaType = mediaType
    artifactType = document.artifactType ?? (mediaType.isIndex ? nil : document.config?.mediaType.rawValue)
    subject = document.subject?.digest
    annotations = document.annotations
    let layers = (document.layers ?? []).filter { !$0.isElsewhere }
    let blobs = mediaType.isManifest ? ([document.config].compactMap { $0 } + layers).map(\.digest) : []
    let named =
      [document.config].compactMap { $0 } + (document.layers ?? []) + (document.manifests ?? [])
      + (document.blobs ?? [])
    let required = Set(blobs)
    self.blobs = blobs
    children = named.map(\.digest).filter { !required.contains($0) }
  }

  private static func decode(_ bytes: [UInt8]) throws(Failure) -> Document {
    do {
      return try CanonicalJSON.decode(Document.self, from: bytes)
    } catch let failure as Failure {
      throw invalid(failure.message)
    } catch let error as DecodingError {
      throw invalid(reading: error)
    } catch {
      throw invalid(String(describing: error))
    }
  }

  private static func guess(_ document: Document) -> MediaType? {
    if document.manifests != nil { return .ociIndex }
    return document.config == nil && document.layers == nil ? nil : .ociManifest
  }

  private static func check(_ document: Document, _ mediaType: MediaType) throws(Failure) {
    guard mediaType.isManifest || mediaType.isIndex else {
      guard !mediaType.rawValue.hasPrefix("application/vnd.docker.distribution.manifest.v1") else {
        throw Failure(
          .invalidArgument,
          reason: "manifest-invalid",
          "manifests of Docker's schema 1 are not accepted",
          hint: "push it with a current client, which writes schema 2 or OCI manifests"
        )
      }
      return
    }
    guard document.schemaVersion == 2 else { throw invalid("its schemaVersion is not 2") }
    if mediaType.isIndex {
      guard document.manifests != nil else { throw invalid("an index needs the member 'manifests'") }
      guard document.layers == nil else { throw invalid("an index has no member 'layers'") }
    } else {
      // Image-spec: the config is required. Here: what says by `artifactType` that it is no image may go without one.
      guard document.config != nil || document.artifactType != nil else {
        throw invalid("an image manifest needs the member 'config'")
      }
      guard document.layers != nil else { throw invalid("an image manifest needs the member 'layers'") }
      guard document.manifests == nil else { throw invalid("an image manifest has no member 'manifests'") }
    }
  }

  private static func invalid(_ cause: String) -> Failure {
    Failure(.invalidArgument, reason: "manifest-invalid", "the manifest is not valid: \(cause)")
  }

  private static func invalid(reading error: DecodingError) -> Failure {
    switch error {
    case .keyNotFound(let key, let context):
      invalid("'\((context.codingPath + [key]).map(\.stringValue).joined(separator: "."))' is missing")
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      invalid("'\(context.codingPath.map(\.stringValue).joined(separator: "."))' is of the wrong type")
    default: invalid("it is not a JSON object")
    }
  }
}

extension Descriptor {
  /// Whether the content is not meant to be in a registry: it has its own addresses, or must not be distributed.
  fileprivate var isElsewhere: Bool {
    !(urls ?? []).isEmpty || mediaType.rawValue.contains(".foreign.") || mediaType.rawValue.contains("nondistributable")
  }
}
