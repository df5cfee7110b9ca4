/// What the bytes behind a descriptor are. Any text is kept; the known ones have names.
package struct MediaType: RawRepresentable, Sendable, Hashable, Codable, ExpressibleByStringLiteral,
  CustomStringConvertible
{
  package var rawValue: String
  package init(rawValue: String) { self.rawValue = rawValue }
  package init(stringLiteral value: String) { rawValue = value }
  package var description: String { rawValue }
  package init(from decoder: any Decoder) throws { rawValue = try decoder.singleValueContainer().decode(String.self) }
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }

  package static let ociManifest: MediaType = "application/vnd.oci.image.manifest.v1+json"
  package static let ociIndex: MediaType = "application/vnd.oci.image.index.v1+json"
  package static let ociConfig: MediaType = "application/vnd.oci.image.config.v1+json"
  package static let ociLayer: MediaType = "application/vnd.oci.image.layer.v1.tar"
  package static let ociLayerGzip: MediaType = "application/vnd.oci.image.layer.v1.tar+gzip"
  package static let ociLayerZstd: MediaType = "application/vnd.oci.image.layer.v1.tar+zstd"
  package static let ociEmpty: MediaType = "application/vnd.oci.empty.v1+json"
  package static let dockerManifest: MediaType = "application/vnd.docker.distribution.manifest.v2+json"
  package static let dockerManifestList: MediaType = "application/vnd.docker.distribution.manifest.list.v2+json"
  package static let dockerConfig: MediaType = "application/vnd.docker.container.image.v1+json"
  package static let dockerLayerGzip: MediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip"

  /// An index or a manifest list: it names manifests, not layers.
  package var isIndex: Bool { self == .ociIndex || self == .dockerManifestList }
  /// A single image's manifest.
  package var isManifest: Bool { self == .ociManifest || self == .dockerManifest }
}
