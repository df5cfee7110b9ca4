import FoundationEssentials

/// A pointer to content: type, digest, size (image-spec, descriptor.md). Members we do not know are not needed here:
/// the registry keeps manifests as the bytes it received.
package struct Descriptor: Sendable, Hashable, Codable {
  package var mediaType: MediaType
  package var digest: Digest
  /// In bytes.
  package var size: Int64
  package var urls: [String]?
  package var annotations: [String: String]?
  package var platform: Platform?
  package var artifactType: String?

  package init(mediaType: MediaType, digest: Digest, size: Int64, platform: Platform? = nil) {
    self.mediaType = mediaType
    self.digest = digest
    self.size = size
    self.platform = platform
  }
}

/// An image manifest (image-spec, manifest.md), OCI or Docker schema 2.
package struct Manifest: Sendable, Hashable, Codable {
  package var schemaVersion = 2
  package var mediaType: MediaType?
  package var artifactType: String?
  package var config: Descriptor
  package var layers: [Descriptor]
  package var subject: Descriptor?
  package var annotations: [String: String]?

  package init(mediaType: MediaType, config: Descriptor, layers: [Descriptor]) {
    self.mediaType = mediaType
    self.config = config
    self.layers = layers
  }
}

/// An image index (image-spec, image-index.md) or Docker manifest list.
package struct Index: Sendable, Hashable, Codable {
  package var schemaVersion = 2
  package var mediaType: MediaType?
  package var artifactType: String?
  package var manifests: [Descriptor]
  package var subject: Descriptor?
  package var annotations: [String: String]?

  package init(manifests: [Descriptor], mediaType: MediaType? = .ociIndex) {
    self.mediaType = mediaType
    self.manifests = manifests
  }

  /// The descriptor for `platform`: the variant that was asked for, else the newest older one, else any that matches. An
  /// entry without a platform matches any; entries of unknown/unknown (attestations of other builders) never match.
  package func manifest(for platform: Platform) -> Descriptor? {
    let fitting = manifests.enumerated().compactMap { place, manifest -> (distance: Int, place: Int)? in
      guard let own = manifest.platform else { return manifest.mediaType.isManifest ? (Int.max - 1, place) : nil }
      if let distance = own.distance(from: platform) { return (distance, place) }
      return own.matches(platform) ? (Int.max, place) : nil
    }
    return fitting.min { $0 < $1 }.map { manifests[$0.place] }
  }
}

/// How the documents of this module are written: keys sorted, slashes plain, no white space, so that equal values
/// are equal bytes and have equal digests.
package enum CanonicalJSON {
  package static func encode(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(value))
  }
  package static func decode<T: Decodable>(_ type: T.Type, from bytes: some Collection<UInt8>) throws -> T {
    try JSONDecoder().decode(type, from: Data(bytes))
  }
}
