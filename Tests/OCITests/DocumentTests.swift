import OCI
import Testing

@Suite("Image documents")
struct DocumentTests {
  static let empty = Digest(sha256Of: [])

  @Test("hashing in pieces is hashing at once, and a digest can be asked for on the way")
  func hashing() throws {
    let running = RunningDigest()
    #expect(running.digest() == Self.empty)
    #expect(Self.empty.hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    for piece in ["a", "b", "c"] { running.update(piece.utf8) }
    #expect(running.digest() == Digest(sha256Of: "abc".utf8))
    #expect(running.digest().short == "ba7816bf8f01")
  }

  @Test("equal values are equal bytes: members sorted, slashes plain")
  func canonical() throws {
    var config = ImageConfig(platform: Platform(os: "linux", architecture: "amd64"))
    var container = ImageConfig.Container()
    container.env = ["PATH=/bin"]
    container.exposedPorts = ["80/tcp": ImageConfig.Empty()]
    config.config = container
    let bytes = try CanonicalJSON.encode(config)
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == #"{"architecture":"amd64","config":{"Env":["PATH=/bin"],"ExposedPorts":{"80/tcp":{}}},"os":"linux","#
        + #""rootfs":{"diff_ids":[],"type":"layers"}}"#)
    #expect(try CanonicalJSON.decode(ImageConfig.self, from: bytes) == config)
  }

  @Test(
    "platforms have the machines' aliases, and a missing variant matches any",
    arguments: [
      ("linux/amd64", "linux/x86_64", true), ("linux/arm64", "linux/aarch64/v8", true),
      ("linux/arm/v6", "linux/arm/v7", false), ("linux/arm", "linux/arm/v7", true),
      ("linux/arm", "linux/arm/v6", false),
      ("linux/arm64/v8", "linux/arm64/8", true), ("linux/i386", "linux/386", true),
      ("linux/armhf", "linux/arm/7", true), ("linux/amd64", "windows/amd64", false),
    ])
  func platforms(first: String, second: String, matches: Bool) throws {
    let (a, b) = (try #require(Platform(first)), try #require(Platform(second)))
    #expect(a.matches(b) == matches && b.matches(a) == matches)
  }

  @Test(
    "platforms are written in one way",
    arguments: [
      ("linux/arm64/v8", "linux/arm64"), ("linux/arm", "linux/arm/v7"), ("linux/arm/6", "linux/arm/v6"),
      ("linux/amd64/v1", "linux/amd64"), ("linux/amd64/v3", "linux/amd64/v3"), ("Linux/armel", "linux/arm/v6"),
      ("linux/s390x", "linux/s390x"),
    ])
  func platformTexts(text: String, written: String) throws {
    #expect(try #require(Platform(text)).description == written)
  }

  @Test("an index gives the variant that was asked for, else the newest older one, never a newer one")
  func variants() throws {
    func index(_ platforms: [String]) -> Index {
      Index(
        manifests: platforms.enumerated().map { place, text in
          let words = text.split(separator: "/").map(String.init)
          return Descriptor(
            mediaType: .ociManifest, digest: Self.empty, size: Int64(place),
            platform: Platform(os: "linux", architecture: words[0], variant: words.count > 1 ? words[1] : nil))
        })
    }
    func chosen(_ asked: String, _ platforms: [String]) throws -> Int64? {
      index(platforms).manifest(for: try #require(Platform(asked)))?.size
    }
    #expect(try chosen("linux/arm/v7", ["arm/v5", "arm/v6", "arm/v7"]) == 2)
    #expect(try chosen("linux/arm", ["arm/v5", "arm/v6", "arm/v8"]) == 1)
    #expect(try chosen("linux/arm/v6", ["arm/v7", "arm64"]) == nil)
    #expect(try chosen("linux/arm64", ["amd64", "arm64/v8"]) == 1)
    #expect(try chosen("linux/arm64/v8", ["arm/v8", "arm64"]) == 1)
    #expect(try chosen("linux/amd64", ["amd64/v3", "amd64"]) == 1)
    #expect(try chosen("linux/amd64/v3", ["amd64", "amd64/v2", "amd64/v4"]) == 1)
  }

  @Test("text that is no platform is none", arguments: ["", "linux", "linux/", "a/b/c/d"])
  func noPlatforms(text: String) { #expect(Platform(text) == nil) }

  @Test("an index gives the manifest for a platform, never another builder's attestation")
  func index() {
    let index = Index(manifests: [
      Descriptor(
        mediaType: .ociManifest, digest: Self.empty, size: 1,
        platform: Platform(os: "unknown", architecture: "unknown")),
      Descriptor(
        mediaType: .ociManifest, digest: Self.empty, size: 2, platform: Platform(os: "linux", architecture: "arm64")),
    ])
    #expect(index.manifest(for: Platform(os: "linux", architecture: "arm64", variant: "v8"))?.size == 2)
    #expect(index.manifest(for: Platform(os: "linux", architecture: "amd64")) == nil)
  }
}
