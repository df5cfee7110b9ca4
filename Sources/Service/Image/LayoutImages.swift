import Builder
import Diagnostics
import OCI
import Storage
import SystemPackage

/// OCI layouts of this machine as base images. Only those that were named to it are read, so that no Dockerfile gets at
/// others; every other reference goes on to `next`.
package struct LayoutImages: BaseImageSource {
  /// A layout, and which of its images.
  package struct Place: Sendable, Hashable {
    package static let scheme = "oci-layout://"

    package var folder: FilePath
    /// Nil is `latest`, else the only image.
    package var manifest: ManifestReference?

    /// Parses `oci-layout://DIR[:TAG|@DIGEST]`.
    package init(_ text: String) throws(Failure) {
      var rest = text.dropFirst(text.hasPrefix(Self.scheme) ? Self.scheme.count : 0)
      if let at = rest.lastIndex(of: "@"), !rest[at...].contains("/") {
        manifest = .digest(try Digest(String(rest[rest.index(after: at)...])))
        rest = rest[..<at]
      }
      if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
        let tag = try Tag(String(rest[rest.index(after: colon)...]))
        manifest = manifest ?? .tag(tag)
        rest = rest[..<colon]
      }
      guard !rest.isEmpty else {
        throw Failure(
          .invalidArgument, reason: "build-context-invalid", "'\(text)' names no folder",
          hint: "write \(Self.scheme)DIR, \(Self.scheme)DIR:TAG or \(Self.scheme)DIR@DIGEST")
      }
      folder = FilePath(String(rest))
    }
  }

  private let places: [String: Place]
  /// Where layers go; nil when nothing is built.
  private let blobs: BlobStore?
  private let next: any BaseImageSource

  /// `places` by the references that mean them.
  package init(_ places: [String: Place], blobs: BlobStore?, next: any BaseImageSource) {
    self.places = places
    self.blobs = blobs
    self.next = next
  }

  package func image(
    _ reference: String, platform: Platform, for organization: OrganizationName
  ) async throws(Failure) -> BaseImage {
    guard let place = places[reference] else {
      return try await next.image(reference, platform: platform, for: organization)
    }
    do throws(Failure) {
      let layout = OCILayout(files: try ImageFolder(place.folder))
      let image = try layout.image(named: place.manifest, for: platform)
      if let blobs {
        for layer in image.manifest.layers where blobs.size(of: layer.digest)?.bytes != layer.size {
          guard !Task.isCancelled else { throw Failure(.cancelled, reason: "cancelled", "the build was cancelled") }
          try layout.store(layer.digest, in: blobs)
        }
      }
      return BaseImage(
        reference: reference, manifest: image.digest, mediaType: image.mediaType,
        config: try Self.config(image.config), layers: image.manifest.layers)
    } catch {
      guard error.code != .cancelled else { throw error }
      var failure = error
      failure.message = "image '\(reference)' cannot be read: " + failure.message
      throw failure
    }
  }

  private static func config(_ bytes: [UInt8]) throws(Failure) -> ImageConfig {
    do { return try CanonicalJSON.decode(ImageConfig.self, from: bytes) } catch {
      throw Failure(
        .invalidArgument, reason: "image-archive-broken", "its configuration cannot be read",
        cause: String(describing: error))
    }
  }
}
