import Diagnostics
import OCI
import Storage
import SystemPackage
import Testing

@testable import Registry

/// What a collection takes, by a clock that the test moves.
@Suite("collection") struct CollectionTests {
  private let app: Repository
  private let other: Repository

  init() throws {
    app = try Repository("dev/app")
    other = try Repository("acme/app")
  }

  private func order(_ change: (inout CollectionOrder) -> Void = { _ in }) -> CollectionOrder {
    var order = CollectionOrder()
    change(&order)
    return order
  }

  @Test("a blob waits for its manifest for the grace, longer when it is asked for, and goes then")
  func grace() throws {
    let house = try House()
    let digest = try house.push([1, 2, 3], app)
    #expect(try house.registry.collect(order()).waiting == 1)
    house.now.advance(hours: 2)
    // Who asks is told that it is there, and may push a manifest that names it.
    _ = try house.registry.size(of: digest, in: app)
    #expect(try house.registry.collect(order()).blobs == 0)
    house.now.advance(hours: 2)
    let dry = try house.registry.collect(order { $0.isDry = true })
    #expect(dry.blobs == 1 && dry.bytes == ByteCount(3))
    #expect(house.data.blobs.contains(digest))
    #expect(try house.registry.collect(order()).blobs == 1)
    #expect(!house.data.blobs.contains(digest))
    #expect(throws: Failure.self) { try house.registry.size(of: digest, in: app) }
    // The same again is a blob like any other.
    try house.push([1, 2, 3], app)
    #expect(try house.registry.size(of: digest, in: app) == ByteCount(3))
  }

  @Test("what one repository has lost, another keeps; both see their own")
  func repositories() throws {
    let house = try House()
    let digest = try house.push([7], app)
    try house.push([7], other)
    let config = try CanonicalJSON.encode(
      Manifest(mediaType: .ociManifest, config: Descriptor(mediaType: .ociConfig, digest: digest, size: 1), layers: []))
    try house.registry.putManifest(config, mediaType: nil, as: .tag("v1"), in: other)
    house.now.advance(hours: 2)
    #expect(try house.registry.collect(order()).blobs == 0)
    #expect(throws: Failure.self) { try house.registry.size(of: digest, in: app) }
    #expect(try house.registry.size(of: digest, in: other) == ByteCount(1))
  }

  @Test("manifests without a tag go by age, an index before what only it names; subjects keep what is about them")
  func untagged() throws {
    let house = try House()
    let first = try house.pushImage("first", app, as: .tag("v1"))
    let child = try house.pushImage("child", app, as: .tag("child"))
    let about = try house.pushImage("about", app, as: .tag("about"), subject: first, artifactType: "a/b")
    let index = try CanonicalJSON.encode(
      Index(manifests: [Descriptor(mediaType: .ociManifest, digest: child, size: 1)]))
    let indexDigest = try house.registry.putManifest(index, mediaType: .ociIndex, as: .tag("index"), in: app).digest
    for tag in ["child", "about"] { try house.registry.deleteManifest(.tag(tag), in: app) }
    house.now.advance(hours: 48)
    let daily = order { $0.untagged = .seconds(24 * 3600) }
    #expect(try house.registry.collect(daily).untagged == 0)
    try house.registry.deleteManifest(.tag("index"), in: app)
    #expect(try house.registry.collect(order()).untagged == 0)
    var dry = daily
    dry.isDry = true
    let would = try house.registry.collect(dry)
    let done = try house.registry.collect(daily)
    #expect(would.untagged == 2 && done.untagged == 2 && would.blobs == done.blobs && would.bytes == done.bytes)
    for digest in [child, indexDigest] {
      #expect(throws: Failure.self) { try house.registry.manifest(.digest(digest), in: app) }
    }
    for digest in [first, about] { _ = try house.registry.manifest(.digest(digest), in: app) }
    // With its subject goes the reason for the other.
    try house.registry.deleteManifest(.digest(first), in: app)
    #expect(try house.registry.collect(daily).untagged == 1)
  }

  @Test("what is touched under a hold stays until the hold ends, and a mark is not seen elsewhere")
  func holds() throws {
    let house = try House()
    let leases = house.data.blobs.leases
    let (one, two) = (Digest(sha256Of: [1]), Digest(sha256Of: [2]))
    let hold = leases.hold()
    #expect(leases.touch(one))
    house.now.advance(hours: 5)
    let now = house.now.moment
    #expect(leases.free([one, two], untouchedSince: now) == [two])
    hold.release()
    #expect(leases.retire([one], in: app, untouchedSince: now) == [one])
    #expect(!leases.touch(one, in: app) && leases.touch(one, in: other))
    leases.restore([one], in: app)
    #expect(leases.touch(one, in: app))
    // Brought again after the mark: it is not taken.
    #expect(leases.retire([two], untouchedSince: now) == [two])
    try house.data.blobs.put([2])
    #expect(try house.data.blobs.collect(two, unpacked: "/none") == nil)
    #expect(house.data.blobs.contains(two))
  }

  @Test("images of other registries go by their last use, down to a budget, unless somebody named them here")
  func pulled() throws {
    let house = try House()
    var digests: [Digest] = []
    for name in ["old", "named", "new"] {
      let digest = try house.pushImage(name, app, as: .tag(try Tag(name)))
      try house.data.ledger.savePulled([digest], in: app)
      try house.data.ledger.save(
        PulledTag(repository: app, tag: try Tag(name), digest: digest, askedAt: house.now.moment))
      digests.append(digest)
    }
    try house.registry.putManifest(
      try house.registry.manifest(.digest(digests[1]), in: app).bytes, mediaType: nil, as: .tag("mine"), in: app)
    house.now.advance(hours: 3)
    let none = order { $0.pulled = ByteCount(0) }
    var dry = none
    dry.isDry = true
    #expect(try house.registry.collect(dry).pulled == 2)
    #expect(try house.registry.collect(none).pulled == 2)
    #expect(try house.registry.tags(in: app, limit: 9).map(\.name) == ["mine", "named"])
  }
}
