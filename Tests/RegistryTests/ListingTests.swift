import Diagnostics
import OCI
import Registry
import Storage
import Testing

@Suite struct ListingTests {
  private let app: Repository
  init() throws { app = try Repository("acme/app") }

  @Test("two thousand tags page through in byte order, each once, also when tags come in between")
  func tags() throws {
    let house = try House()
    let bytes = try house.image("a", app)
    var names: [String] = []
    for number in 0..<2_000 {
      let name = "v\(number)"
      try house.registry.putManifest(bytes, mediaType: nil, as: .tag(name), in: app)
      names.append(name)
    }
    var seen: [String] = []
    while true {
      let page = try house.registry.tags(in: app, after: seen.last, limit: 300).map(\.name)
      if page.isEmpty { break }
      seen += page
      // Lies before every page already seen, so that it must not push anything over a page's edge.
      try house.registry.putManifest(bytes, mediaType: nil, as: .tag("a\(seen.count)"), in: app)
    }
    #expect(seen == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    #expect(try house.registry.tags(in: app, limit: 0).isEmpty)
    #expect(try house.registry.tags(in: app, after: "zzz", limit: 10).isEmpty)
  }

  @Test("a repository nothing was pushed to is unknown; one of blobs alone has no tags and is not in the catalogue")
  func emptyRepository() throws {
    let house = try House()
    #expect(reason { _ = try house.registry.tags(in: app, limit: 10) } == "name-unknown")
    try house.push([1], app)
    #expect(try house.registry.tags(in: app, limit: 10).isEmpty)
    #expect(try house.registry.repositories(limit: 10).isEmpty)
  }

  @Test("the catalogue can be bound to one organisation")
  func catalogue() throws {
    let house = try House()
    for name in ["acme/b", "acme/a", "acme2/a", "rival/x"] {
      try house.pushImage(name, Repository(name), as: .tag("v"))
    }
    #expect(try house.registry.repositories(limit: 10).map(\.name) == ["acme/a", "acme/b", "acme2/a", "rival/x"])
    let acme = try OrganizationName("acme")
    #expect(try house.registry.repositories(of: acme, limit: 10).map(\.name) == ["acme/a", "acme/b"])
    #expect(try house.registry.repositories(of: acme, after: "acme/a", limit: 10).map(\.name) == ["acme/b"])
    #expect(try house.registry.repositories(after: "acme/b", limit: 1).map(\.name) == ["acme2/a"])
  }

  @Test("referrers list what names a subject at once, also before the subject is here, by type, and not after deletion")
  func referrers() throws {
    let house = try House()
    let subject = Digest(sha256Of: [1])
    #expect(try house.registry.referrers(of: subject, in: app) == Index(manifests: []))
    let bytes = try house.image("signature", app, subject: subject, artifactType: "application/x.sig")
    let put = try house.registry.putManifest(bytes, mediaType: .ociManifest, as: .tag("s"), in: app)
    #expect(put.subject == subject)
    let plain = try house.pushImage("sbom", app, as: .tag("b"), subject: subject)
    try house.pushImage("elsewhere", Repository("acme/other"), as: .tag("b"), subject: subject)
    let all = try house.registry.referrers(of: subject, in: app).manifests
    #expect(Set(all.map(\.digest)) == [put.digest, plain])
    #expect(all.first { $0.digest == plain }?.artifactType == MediaType.ociConfig.rawValue)
    let signatures = try house.registry.referrers(of: subject, in: app, artifactType: "application/x.sig").manifests
    #expect(signatures.map(\.digest) == [put.digest])
    #expect(signatures.first?.size == Int64(bytes.count) && signatures.first?.mediaType == .ociManifest)
    try house.registry.deleteManifest(.digest(put.digest), in: app)
    #expect(try house.registry.referrers(of: subject, in: app).manifests.map(\.digest) == [plain])
  }

  @Test("what was pushed is there after a restart; what was only begun is not")
  func restart() throws {
    let house = try House()
    let digest = try house.pushImage("a", app, as: .tag("v1"))
    let upload = try house.registry.startUpload(in: app)
    try house.registry.append(to: upload, in: app, [1])
    house.data.close()
    let data = try DataDirectory.open(at: house.data.root, durability: .ephemeral)
    defer { data.close() }
    let registry = ImageRegistry(data: data)
    #expect(try registry.manifest(.tag("v1"), in: app).digest == digest)
    #expect(reason { _ = try registry.uploadOffset(upload, in: app) } == "upload-unknown")
  }
}
