import Builder
import Diagnostics
import OCI
import Outbound
import Registry
import Remote
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Service

@Suite("What FROM means")
struct BaseImagesTests {
  private static let platform = Platform.host

  @Test("a tag that moved is fetched again; what is here serves when nobody answers; an import stands over both")
  func tags() async throws {
    try await withHouse { house, folder in
      let registry = try await ForeignServer.docker(in: folder)
      defer { registry.stop() }
      let text = "\(registry.host)/acme/base:1"
      let first = try await house.push("one", to: text)
      let begun = try await house.bases(tagLife: .zero).image(text, platform: Self.platform, for: house.organization)
      #expect(begun.manifest == first)
      let second = try await house.push("two", to: text)
      let patient = try await house.bases(tagLife: .seconds(3600)).image(
        text, platform: Self.platform, for: house.organization)
      #expect(patient.manifest == first)
      let moved = try await house.bases(tagLife: .zero).image(text, platform: Self.platform, for: house.organization)
      #expect(moved.manifest == second)
      let named = try await house.bases(tagLife: .zero).image(
        "\(registry.host)/acme/base@\(first)", platform: Self.platform, for: house.organization)
      #expect(named.manifest == first)
      registry.stop()
      let alone = try await house.bases(tagLife: .zero).image(text, platform: Self.platform, for: house.organization)
      #expect(alone.manifest == second)
      let place = try Repository("dev/\(registry.host.replacing(":", with: "-"))/acme/base")
      let imported = try house.commit("three", in: place, tag: "1")
      let own = try await house.bases(tagLife: .zero).image(text, platform: Self.platform, for: house.organization)
      #expect(own.manifest == imported)
    }
  }

  @Test("a short name is the organisation's own image before it is Docker Hub's")
  func shortNames() async throws {
    try await withHouse { house, _ in
      let own = try house.commit("mine", in: try Repository("dev/tool"), tag: "latest")
      let found = try await house.bases(tagLife: .zero).image("tool", platform: Self.platform, for: house.organization)
      #expect(found.manifest == own)
      let failure = await #expect(throws: Failure.self) {
        try await house.bases(tagLife: .zero).image(
          "tool", platform: Self.platform, for: try OrganizationName("other"))
      }
      #expect(failure?.message.contains("cannot be fetched") == true, "\(String(describing: failure))")
      #expect(failure?.hint?.contains("kindling image import tool") == true)
    }
  }

  private func withHouse(_ body: (SmallHouse, TemporaryFolder) async throws -> Void) async throws {
    try await withTemporaryFolder { folder in
      let house = try SmallHouse(folder)
      defer { house.close() }
      do { try await body(house, folder) } catch {
        await house.client.shutdown()
        throw error
      }
      await house.client.shutdown()
    }
  }
}

/// A registry of our own and a client that reaches nothing but this machine.
private struct SmallHouse {
  let data: DataDirectory
  /// Where the images of others are made.
  let elsewhere: DataDirectory
  let registry: ImageRegistry
  let client: OutboundClient
  let organization: OrganizationName

  init(_ folder: TemporaryFolder) throws {
    data = try DataDirectory.open(at: FilePath(folder.path("data")), durability: .ephemeral)
    elsewhere = try DataDirectory.open(at: FilePath(folder.path("elsewhere")), durability: .ephemeral)
    registry = ImageRegistry(data: data)
    var policy = OutboundPolicy()
    policy.reach = .loopback
    client = OutboundClient(policy: policy, environment: [:])
    organization = try OrganizationName("dev")
  }

  func close() {
    data.close()
    elsewhere.close()
  }

  func bases(tagLife: Duration) -> BaseImages {
    BaseImages(
      local: LocalImages(registry: registry, ownHosts: { [] }), registry: registry, remote: remote(data), data: data,
      tagLife: tagLife, credentials: { (_) throws(Failure) in RegistryCredentials() })
  }

  private func remote(_ data: DataDirectory) -> RemoteImages {
    RemoteImages(client: client, settings: RemoteSettings(), blobs: data.blobs) {
      (_) async throws(CancellationError) in
    }
  }

  /// Commits an image of one layer with that content here.
  func commit(_ content: String, in repository: Repository, tag: String) throws -> Digest {
    let (config, layers) = try parts(content, in: data)
    return try registry.commitImage(
      config: config, layers: layers, mediaType: .ociManifest, repository: repository, tags: [try Tag(tag)]
    ).digest
  }

  /// Pushes such an image to another registry.
  func push(_ content: String, to text: String) async throws -> Digest {
    let (config, layers) = try parts(content, in: elsewhere)
    let described = Descriptor(
      mediaType: .ociConfig, digest: try elsewhere.blobs.put(config), size: Int64(config.count))
    let bytes = try CanonicalJSON.encode(Manifest(mediaType: .ociManifest, config: described, layers: layers))
    let manifest = RemoteManifest(digest: Digest(sha256Of: bytes), mediaType: .ociManifest, bytes: bytes)
    try await remote(elsewhere).push(
      PushableImage(manifest: manifest, blobs: [described] + layers), to: [try RemoteName(try Reference(text))],
      credentials: RegistryCredentials())
    return manifest.digest
  }

  private func parts(_ content: String, in data: DataDirectory) throws -> (config: [UInt8], layers: [Descriptor]) {
    let layer = Array(content.utf8)
    let digest = try data.blobs.put(layer)
    var config = ImageConfig(platform: .host)
    config.rootfs = ImageConfig.RootFS(diffIDs: [digest])
    return (
      try CanonicalJSON.encode(config),
      [Descriptor(mediaType: .ociLayer, digest: digest, size: Int64(layer.count))]
    )
  }
}
