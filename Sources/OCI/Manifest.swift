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

  /// The descriptor for `platform`; an entry without a platform matches any. Entries of unknown/unknown
  /// (attestations of other builders) never match.
  package func manifest(for platform: Platform) -> Descriptor? {
    manifests.first { $0.platform.map { $0.matches(platform) } ?? $0.mediaType.isManifest }
  }
}

/// `os/architecture[/variant]`.
package struct Platform: Sendable, Hashable, Codable, CustomStringConvertible {
  package var architecture: String
  package var os: String
  package var variant: String?

  package init(os: String, architecture: String, variant: String? = nil) {
    self.os = os
    self.architecture = architecture
    self.variant = variant
  }

  /// Parses `linux/amd64` or `linux/arm64/v8`, with the usual aliases of machines (`x86_64`, `aarch64`).
  package init?(_ text: String) {
    let parts = text.lowercased().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    let architecture =
      switch parts[1] {
      case "x86_64", "x86-64": "amd64"
      case "aarch64": "arm64"
      default: parts[1]
      }
    self.init(os: parts[0], architecture: architecture, variant: parts.count == 3 ? parts[2] : nil)
  }

  /// The machine this runs on.
  package static var host: Platform {
    #if arch(arm64)
      Platform(os: "linux", architecture: "arm64")
    #else
      Platform(os: "linux", architecture: "amd64")
    #endif
  }

  /// Whether an image for `self` runs where `other` is asked for; a missing variant matches any.
  package func matches(_ other: Platform) -> Bool {
    os == other.os && architecture == other.architecture
      && (variant == nil || other.variant == nil || variant == other.variant)
  }

  package var description: String { "\(os)/\(architecture)" + (variant.map { "/" + $0 } ?? "") }
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
