import Builder
import Diagnostics
import Foundation
import NIOHTTP1
import OCI
import Service
import Storage
import Synchronization

/// Base images as a running server's registry has them, read-only, for a plan that is made without building.
///
/// What cannot be looked up is planned as if it were empty, and told.
final class ServerBases: BaseImageSource {
  /// Nil when no server is to be asked.
  private let access: ServerAccess?
  private let missing = Mutex<[String: String]>([:])

  init(_ access: ServerAccess?) { self.access = access }

  /// One line for each image that was not looked up, sorted.
  var warnings: [String] {
    missing.withLock { missing in
      missing.sorted { $0.key < $1.key }.map {
        "base image '\($0.key)' was not looked up (\($0.value)): planned as if its configuration were empty"
      }
    }
  }

  func image(
    _ reference: String, platform: Platform, for organization: OrganizationName
  ) async throws(Failure) -> BaseImage {
    let parsed = try Reference(reference)
    guard let access else { return empty(reference, platform, "no server is running") }
    do throws(Failure) {
      return try await HTTPDoor.open(access) { door in
        try await Self.lookUp(parsed, reference, platform, organization, door)
      }
    } catch {
      guard error.reason != "base-image-platform" else { throw error }
      let why =
        switch error.code {
        case .notFound: "it is not in the server's registry"
        case .unavailable: "no server is running"
        default: error.message
        }
      return empty(reference, platform, why)
    }
  }

  private func empty(_ reference: String, _ platform: Platform, _ why: String) -> BaseImage {
    missing.withLock { $0[reference] = why }
    return BaseImage(
      reference: reference, manifest: Digest(sha256Of: []), mediaType: .ociManifest,
      config: ImageConfig(platform: platform), layers: [])
  }

  private static func lookUp(
    _ parsed: Reference, _ reference: String, _ platform: Platform, _ organization: OrganizationName, _ door: HTTPDoor
  ) async throws(Failure) -> BaseImage {
    let endpoint = door.access.endpoint
    let hosts: Set<String> = ["\(endpoint)", "localhost:\(endpoint.port)", "127.0.0.1:\(endpoint.port)"]
    let repository = try LocalImages.repository(of: parsed, for: organization, ownHosts: hosts)
    let place = "/v2/\(repository)"
    var bytes = try await read(door, "\(place)/manifests/\(parsed.manifest)")
    var digest = Digest(sha256Of: bytes)
    if let index = try? CanonicalJSON.decode(Index.self, from: bytes), index.mediaType?.isIndex == true {
      guard let chosen = index.manifest(for: platform) else {
        throw Failure(
          .notFound, reason: "base-image-platform", "image '\(reference)' has no variant for \(platform)",
          hint: "it has: " + index.manifests.compactMap { $0.platform?.description }.joined(separator: ", "))
      }
      digest = chosen.digest
      bytes = try await read(door, "\(place)/manifests/\(digest)")
    }
    do {
      let manifest = try CanonicalJSON.decode(Manifest.self, from: bytes)
      let config = try await read(door, "\(place)/blobs/\(manifest.config.digest)")
      return BaseImage(
        reference: reference, manifest: digest, mediaType: manifest.mediaType ?? .ociManifest,
        config: try CanonicalJSON.decode(ImageConfig.self, from: config),
        layers: manifest.layers)
    } catch {
      throw Failure(wrapping: error, reason: "base-image-broken", while: "reading image '\(reference)'")
    }
  }

  private static func read(_ door: HTTPDoor, _ path: String) async throws(Failure) -> [UInt8] {
    Array(try await door.read(.GET, path, limit: door.access.timeout ?? .seconds(10)))
  }
}
