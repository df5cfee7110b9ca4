import Diagnostics
import OCI
import Storage
import Testing

@testable import kindling

@Suite("Entries of a shared cache")
struct CacheEntryTests {
  private static let key = Digest(sha256Of: [1])
  private static let limit = ByteCount(1000)

  private static func entry(_ type: MediaType = .ociLayerGzip, size: Int64 = 5) -> CacheEntry {
    let layer = LayerRecord(
      digest: Digest(sha256Of: [2]), diffID: Digest(sha256Of: [3]), size: ByteCount(size), mediaType: type)
    return CacheEntry(key: key, made: MadeLayer(layer, madeAt: Timestamp(milliseconds: 1_700_000_000_000)))
  }

  private func read(_ documents: CacheEntry.Documents, key: Digest = key) throws -> CacheEntry {
    let (config, layer) = try CacheEntry.parts(ofManifest: documents.manifestBytes, layerLimit: Self.limit)
    #expect(config == documents.config && Digest(sha256Of: documents.configBytes) == config.digest)
    return try CacheEntry(config: documents.configBytes, layer: layer, key: key)
  }

  @Test("come back as they were written", arguments: [MediaType.ociLayerGzip, .ociLayerZstd])
  func roundTrip(type: MediaType) throws {
    let entry = Self.entry(type, size: 0)
    let documents = try entry.documents(.host)
    #expect(Digest(sha256Of: documents.manifestBytes) == documents.manifest)
    #expect(try read(documents) == entry)
  }

  @Test("of another step, of another kind and of more than they may hold are refused")
  func refusals() throws {
    func reason(_ body: () throws -> CacheEntry) -> String? {
      do {
        _ = try body()
        return nil
      } catch { return (error as? Failure)?.reason }
    }
    let good = try Self.entry().documents(.host)
    #expect(reason { try read(good, key: Digest(sha256Of: [9])) } == "cache-entry-unusable")
    #expect(reason { try read(try Self.entry(size: 1001).documents(.host)) } == "cache-entry-unusable")
    #expect(reason { try read(try Self.entry(size: -1).documents(.host)) } == "cache-entry-unusable")
    #expect(reason { try read(try Self.entry(.dockerLayerGzip).documents(.host)) } == "cache-entry-unusable")
    let manifest = try CanonicalJSON.decode(Manifest.self, from: good.manifestBytes)
    let config = try CanonicalJSON.decode(ImageConfig.self, from: good.configBytes)
    let manifests: [(inout Manifest) -> Void] = [
      { $0.layers = [] }, { $0.layers += $0.layers }, { $0.config.mediaType = .ociEmpty },
      { $0.config.size = 1 << 30 }, { $0.layers[0].size = .max },
    ]
    for change in manifests {
      var other = manifest
      change(&other)
      var documents = good
      documents.manifestBytes = try CanonicalJSON.encode(other)
      #expect(
        reason {
          _ = try CacheEntry.parts(ofManifest: documents.manifestBytes, layerLimit: Self.limit)
          return Self.entry()
        } == "cache-entry-unusable")
    }
    let configs: [(inout ImageConfig) -> Void] = [
      { $0.created = nil }, { $0.created = "yesterday" }, { $0.rootfs.diffIDs = [] },
      { $0.rootfs.diffIDs += $0.rootfs.diffIDs }, { $0.config = nil },
    ]
    for change in configs {
      var other = config
      change(&other)
      let bytes = try CanonicalJSON.encode(other)
      #expect(reason { try CacheEntry(config: bytes, layer: good.layer, key: Self.key) } == "cache-entry-unusable")
    }
    for bytes in [[], Array("{}".utf8), Array("[1]".utf8)] {
      #expect(
        reason {
          _ = try CacheEntry.parts(ofManifest: bytes, layerLimit: Self.limit)
          return Self.entry()
        } == "cache-entry-unusable")
      #expect(reason { try CacheEntry(config: bytes, layer: good.layer, key: Self.key) } == "cache-entry-unusable")
    }
  }
}
