import Diagnostics
import OCI
import Registry
import Storage
import Testing

@Suite struct ManifestTests {
  private let app: Repository
  private let other: Repository

  init() throws {
    app = try Repository("acme/app")
    other = try Repository("acme/other")
  }

  @Test("a manifest comes back byte for byte, by tag and by digest, white space and unknown members too")
  func exactBytes() throws {
    let house = try House()
    let text = """
      { "annotations": {"z": "1", "a": "2"},
        "schemaVersion": 2, "somethingNew": [1, {"x": null}],
        "layers": [], "config": {"data": "e30=", "size": 2, "mediaType": "application/vnd.oci.empty.v1+json",
          "digest": "\(try house.push(Array("{}".utf8), app))"} }
      """
    let bytes = Array(text.utf8)
    let pushed = try house.registry.putManifest(
      bytes,
      mediaType: .ociManifest,
      as: .tag("v1"),
      in: app
    )
    let digest = pushed.digest
    #expect(digest == Digest(sha256Of: bytes) && pushed.subject == nil)
    for _ in 0..<2 {
      for reference in [try ManifestReference.tag("v1"), .digest(digest)] {
        let stored = try house.registry.manifest(reference, in: app)
        #expect(stored.digest == digest && stored.mediaType == .ociManifest && stored.bytes == bytes)
      }
    }
    #expect(reason { _ = try house.registry.manifest(.digest(digest), in: other) } == "manifest-unknown")
  }

  @Test("a push by digest needs that digest, in either algorithm")
  func byDigest() throws {
    let house = try House()
    let bytes = try house.image("a", app)
    let running = RunningDigest(.sha512)
    running.update(bytes)
    for digest in [Digest(sha256Of: bytes), running.digest()] {
      #expect(
        try house.registry.putManifest(bytes, mediaType: nil, as: .digest(digest), in: app).digest == digest
      )
      #expect(try house.registry.manifest(.digest(digest), in: app).bytes == bytes)
    }
    let wrong = Digest(sha256Of: [1])
    #expect(
      reason { try house.registry.putManifest(bytes, mediaType: nil, as: .digest(wrong), in: app) } == "digest-invalid"
    )
  }

  @Test("config and layers must be in the repository; foreign layers need not")
  func missingBlobs() throws {
    let house = try House()
    let bytes = try house.image("a", app)
    do {
      try house.registry.putManifest(bytes, mediaType: .ociManifest, as: .tag("v1"), in: other)
      Issue.record("a manifest of another repository's blobs was accepted")
    } catch let failure as Failure {
      #expect(failure.reason == "manifest-blob-unknown" && failure.ociCode == "MANIFEST_BLOB_UNKNOWN")
      #expect(failure.message.contains(Digest(sha256Of: "a".utf8).description))
    }
    #expect(reason { _ = try house.registry.manifest(.tag("v1"), in: other) } == "manifest-unknown")
    let config = try house.push([1], app)
    var foreign = Descriptor(mediaType: .dockerLayerGzip, digest: Digest(sha256Of: [8]), size: 1)
    foreign.urls = ["https://layers.example/x"]
    let nondistributable = Descriptor(
      mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar",
      digest: Digest(sha256Of: [9]),
      size: 1
    )
    let manifest = Manifest(
      mediaType: .dockerManifest,
      config: Descriptor(mediaType: .dockerConfig, digest: config, size: 1),
      layers: [foreign, nondistributable]
    )
    try house.registry.putManifest(
      CanonicalJSON.encode(manifest),
      mediaType: .dockerManifest,
      as: .tag("foreign"),
      in: app
    )
  }

  @Test("indexes may be sparse, nested and empty; unknown types are kept")
  func indexes() throws {
    let house = try House()
    let missing = Descriptor(mediaType: .ociManifest, digest: Digest(sha256Of: [1]), size: 1)
    for index in [Index(manifests: []), Index(manifests: [missing])] {
      let bytes = try CanonicalJSON.encode(index)
      let digest = try house.registry.putManifest(bytes, mediaType: .ociIndex, as: .tag("i"), in: app).digest
      let outer = Index(manifests: [Descriptor(mediaType: .ociIndex, digest: digest, size: Int64(bytes.count))])
      try house.registry.putManifest(CanonicalJSON.encode(outer), mediaType: nil, as: .tag("outer"), in: app)
      #expect(try house.registry.manifest(.tag("outer"), in: app).mediaType == .ociIndex)
    }
    let other: MediaType = "application/vnd.example.thing+json"
    try house.registry.putManifest(Array(#"{"a":1}"#.utf8), mediaType: other, as: .tag("thing"), in: app)
    #expect(try house.registry.manifest(.tag("thing"), in: app).mediaType == other)
  }

  static let digest = "sha256:" + String(repeating: "0", count: 64)
  static let invalid: [(String, MediaType?)] = [
    ("", .ociManifest), ("[]", .ociManifest), ("{", .ociManifest), ("{}", nil), ("{}", .ociManifest),
    (#"{"schemaVersion":1,"manifests":[]}"#, .ociIndex), (#"{"schemaVersion":2}"#, .ociIndex),
    (#"{"schemaVersion":2,"layers":[]}"#, .ociManifest),
    (#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#, .ociManifest),
    (#"{"schemaVersion":2,"config":{"mediaType":"m","size":1,"digest":"sha256:xyz"},"layers":[]}"#, .ociManifest),
    (#"{"schemaVersion":2,"config":{"mediaType":"m","size":-1,"digest":"\#(digest)"},"layers":[]}"#, .ociManifest),
    (#"{"schemaVersion":2,"config":{"mediaType":"m","digest":"\#(digest)"},"layers":[]}"#, .ociManifest),
    (#"{"schemaVersion":1}"#, "application/vnd.docker.distribution.manifest.v1+prettyjws"),
  ]

  @Test("a document that is no manifest is refused with the reason", arguments: invalid)
  func malformed(text: String, mediaType: MediaType?) throws {
    let house = try House()
    let put = { _ = try house.registry.putManifest(Array(text.utf8), mediaType: mediaType, as: .tag("v1"), in: app) }
    #expect(reason(put) == "manifest-invalid")
  }

  @Test("four megabytes are accepted, one byte more is not")
  func sizes() throws {
    let house = try House()
    let config = try house.push([1], app)
    for (extra, expected) in [(0, nil), (1, "size-invalid")] {
      var manifest = Manifest(
        mediaType: .ociManifest,
        config: Descriptor(mediaType: .ociConfig, digest: config, size: 1),
        layers: []
      )
      manifest.annotations = ["pad": ""]
      let rest = try (4 << 20) - CanonicalJSON.encode(manifest).count + extra
      manifest.annotations = ["pad": String(repeating: "x", count: rest)]
      let bytes = try CanonicalJSON.encode(manifest)
      let put = { _ = try house.registry.putManifest(bytes, mediaType: .ociManifest, as: .tag("big"), in: app) }
      #expect(reason(put) == expected)
    }
    #expect(try house.registry.manifest(.tag("big"), in: app).bytes.count == 4 << 20)
  }

  @Test("moving a tag is seen at once, although the old manifest was in memory")
  func movingTags() throws {
    let house = try House()
    for text in ["a", "b", "a", "c"] {
      let digest = try house.pushImage(text, app, as: .tag("latest"))
      #expect(try house.registry.manifest(.tag("latest"), in: app).digest == digest)
    }
  }

  @Test("deleting a tag leaves the manifest, deleting the manifest takes its tags, both at once")
  func delete() throws {
    let house = try House()
    let digest = try house.pushImage("a", app, as: .tag("one"))
    try house.pushImage("a", app, as: .tag("two"))
    try house.pushImage("a", app, as: .tag("three"))
    for name in ["one", "two", "three"] { _ = try house.registry.manifest(.tag(name), in: app) }
    try house.registry.deleteManifest(.tag("one"), in: app)
    #expect(reason { _ = try house.registry.manifest(.tag("one"), in: app) } == "manifest-unknown")
    #expect(try house.registry.manifest(.digest(digest), in: app).digest == digest)
    try house.registry.deleteManifest(.digest(digest), in: app)
    for reference in [try ManifestReference.tag("two"), try .tag("three"), .digest(digest)] {
      #expect(reason { _ = try house.registry.manifest(reference, in: app) } == "manifest-unknown")
      #expect(reason { try house.registry.deleteManifest(reference, in: app) } == "manifest-unknown")
    }
    #expect(try house.registry.tags(in: app, limit: 10).isEmpty)
    #expect(try house.pushImage("a", app, as: .tag("one")) == digest)
  }

  @Test("readers during pushes see the old or the new manifest and in the end the last one")
  func races() async throws {
    let house = try House()
    let images = try (0..<8).map { try house.image("\($0)", app) }
    let tag = try ManifestReference.tag("latest")
    try house.registry.putManifest(images[0], mediaType: nil, as: tag, in: app)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask { [app] in
          for _ in 0..<300 { #expect(reason { _ = try house.registry.manifest(tag, in: app) } == nil) }
        }
      }
      group.addTask { [app] in
        for image in images {
          #expect(reason { try house.registry.putManifest(image, mediaType: nil, as: tag, in: app) } == nil)
        }
      }
    }
    #expect(try house.registry.manifest(tag, in: app).digest == Digest(sha256Of: images[7]))
  }

  @Test("the builder's image is tagged with layers that were never uploads, and only of stored ones")
  func commitImage() throws {
    let house = try House()
    let layer = Descriptor(mediaType: .ociLayerGzip, digest: try house.data.blobs.put([1, 2], durably: false), size: 2)
    let tags = [try Tag("v1"), .latest]
    let committed = try house.registry.commitImage(
      config: [7],
      layers: [layer, layer],
      mediaType: .ociManifest,
      repository: app,
      tags: tags
    )
    #expect(committed.size == ByteCount(5))
    let stored = try house.registry.manifest(.tag("latest"), in: app)
    let manifest = try CanonicalJSON.decode(Manifest.self, from: stored.bytes)
    #expect(stored.digest == committed.digest && manifest.layers == [layer, layer])
    #expect(try house.bytes(manifest.config.digest, app) == [7])
    #expect(try house.bytes(layer.digest, app) == [1, 2])
    let lost = Descriptor(mediaType: .ociLayerGzip, digest: Digest(sha256Of: [6]), size: 1)
    let commit = {
      _ = try house.registry.commitImage(
        config: [7],
        layers: [lost],
        mediaType: .ociManifest,
        repository: app,
        tags: tags
      )
    }
    #expect(reason(commit) == "blob-unknown")
    #expect(try house.registry.manifest(.tag("latest"), in: app).digest == committed.digest)
  }
}
