import Diagnostics
import OCI
import Outbound
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Remote

@Suite("Pulling from registries that misbehave")
struct ScriptedRegistryTests {
  @Test("an image is stored with its digests", arguments: ["plain", "docker", "twice", "many", "manylist", "nested"])
  func plain(name: String) async throws {
    try await withScripted { bench, registry in
      let image = try await bench.pull("\(registry.host)/\(name)")
      #expect(image.layers.allSatisfy { bench.data.blobs.size(of: $0.digest)?.bytes == $0.size })
      #expect(bench.data.blobs.contains(image.config.digest))
      #expect(Digest(sha256Of: image.manifest.bytes) == image.manifest.digest)
      #expect((image.index != nil) == name.hasPrefix("many"))
      let asked = try await log(of: registry).filter { $0[1].contains("/blobs/") }
      #expect(asked.count == 2)
    }
  }

  @Test(
    "what cannot be a base is refused by its name",
    arguments: [
      ("foreign", "foreign-layer"), ("oddlayer", "base-image-unusable"), ("chart", "base-image-unusable"),
      ("schema1", "manifest-schema-1"), ("elsewhere", "base-image-platform"), ("deep", "base-image-platform"),
      ("gone", "image-unknown"), ("holey", "blob-unknown"), ("lies", "digest-invalid"), ("wrong", "digest-invalid"),
      ("long", "size-invalid"), ("short", "size-invalid"), ("inside", "outbound-address"),
      ("private", "registry-auth-refused"), ("basic", "registry-auth-required"), ("limited", "registry-rate-limited"),
    ])
  func refused(name: String, reason: String) async throws {
    try await withScripted { bench, registry in
      let failure = await #expect(throws: Failure.self) {
        let wrong = name == "private" ? [registry.host: "me:hunter2"] : [:]
        try await bench.pull("\(registry.host)/\(name)", wrong)
      }
      #expect(failure?.reason == reason)
      #expect(failure?.description.contains("hunter2") == false)
      #expect(failure?.description.contains("\u{1b}") == false)
      let asked = try await log(of: registry)
      let isAboutBlobs = ["holey", "wrong", "long", "short"].contains(name)
      #expect(asked.contains { $0[1].contains("/blobs/") } == isAboutBlobs)
    }
  }

  @Test("a broken download goes on where it broke, or begins anew where that is not possible")
  func resume() async throws {
    try await withScripted { bench, registry in
      try await bench.pull("\(registry.host)/cut")
      let ranges = try await log(of: registry).map { $0[3] }.filter { !$0.isEmpty }
      let begins = ranges.compactMap { Int($0.dropFirst("bytes=".count).dropLast()) }
      #expect(begins.count == 3)
      #expect(begins == begins.sorted() && Set(begins).count == 3, "what arrived is not asked for again: \(begins)")
    }
    try await withScripted { bench, registry in
      try await bench.pull("\(registry.host)/whole")
      #expect(try await log(of: registry).filter { $0[1].contains("/blobs/") }.count == 4)
    }
    _ = try await withScripted { bench, registry in try await bench.pull("\(registry.host)/wrongonce") }
  }

  @Test("a busy registry is asked again after the pause it asks for, and not for ever")
  func busy() async throws {
    try await withScripted { bench, registry in
      try await bench.pull("\(registry.host)/busy")
      let pauses = bench.pauses.withLock { $0 }
      #expect(pauses.count == 6)
      #expect(pauses.allSatisfy { $0 == .seconds(7) })
      let failure = await #expect(throws: Failure.self) { try await bench.pull("127.0.0.1:1/none") }
      #expect(failure?.reason == "outbound-refused")
    }
  }

  @Test("a token is fetched once for a repository, with the password, which goes nowhere else")
  func tokens() async throws {
    try await withScripted { bench, registry in
      try await bench.pull(
        "\(registry.host)/private/moved", ["http://\(registry.host)/v2/": #"{"username":"me","password":"sesame"}"#])
      let asked = try await log(of: registry)
      #expect(asked.filter { $0[1].hasPrefix("/token") }.map { $0[2] } == ["Basic"])
      #expect(asked.filter { $0[1].hasPrefix("/raw/") }.map { $0[2] } == [""])
      #expect(asked.filter { $0[1].hasPrefix("/v2/private") }.map { $0[2] } == ["", "Bearer", "Bearer", "Bearer"])
    }
  }

  @Test("a request that was refused before another one logged in takes that one's token, and does not drop it")
  func lateToken() async throws {
    try await withScripted { bench, registry in
      let tokens = RegistryTokens(client: bench.client)
      let server = try OutboundURL(parsing: "http://\(registry.host)/")
      let key = RegistryTokens.Key(
        origin: server.origin, scope: "repository:private:pull",
        credential: try RegistryCredential(saved: "me:sesame", host: registry.host))
      let challenge = AuthChallenge(scheme: "bearer", parameters: ["realm": "http://\(registry.host)/token"])
      func obtain(insteadOf refused: String?) async throws -> String {
        try await tokens.obtain(key, insteadOf: refused, challenges: [challenge], from: server)
      }
      let first = try await obtain(insteadOf: nil)
      #expect(try await obtain(insteadOf: nil) == first)
      #expect(try await log(of: registry).filter { $0[1].hasPrefix("/token") }.count == 1)
      #expect(try await obtain(insteadOf: first) == first)
      #expect(try await log(of: registry).filter { $0[1].hasPrefix("/token") }.count == 2)
    }
  }

  @Test("a name and a password are shown when asked for, not before")
  func basic() async throws {
    try await withScripted { bench, registry in
      try await bench.pull("\(registry.host)/basic", [registry.host: "me:sesame"])
      #expect(try await log(of: registry).filter { $0[1] != "/v2/" }.map { $0[2] } == ["", "Basic", "Basic", "Basic"])
    }
  }

  @Test("mirrors are asked first and the registry when they fail; what all of them said is told")
  func mirrors() async throws {
    try await withScripted { bench, registry in
      let image = try await bench.pull("docker.io/plain") { settings in
        settings.mirrors["docker.io"] = ["http://127.0.0.1:1", "http://\(registry.host)"]
      }
      #expect(image.name.description == "docker.io/library/plain:latest")
      let failure = await #expect(throws: Failure.self) {
        try await bench.pull("docker.io/gone/gone") { settings in
          settings.mirrors["docker.io"] = ["http://127.0.0.1:1", "http://\(registry.host)/gone"]
          settings.fallsBackToRegistry = false
        }
      }
      #expect(failure?.cause?.contains("before that: nothing listens at 'http://127.0.0.1:1'") == true)
    }
  }

  @Test("blobs that may be seen already are not sent again")
  func present() async throws {
    try await withScripted { bench, registry in
      let first = try await bench.pull("\(registry.host)/plain")
      let name = try RemoteName(try Reference("\(registry.host)/plain"))
      let again = try await bench.images().pull(
        name, platform: Platform(os: "linux", architecture: "amd64"), credentials: RegistryCredentials(),
        isHere: { _ in true })
      #expect(again == first)
      #expect(try await log(of: registry).filter { $0[1].contains("/blobs/") }.count == 2)
      #expect(
        try await bench.images().currentDigest(of: name, credentials: RegistryCredentials()) == first.manifest.digest)
    }
  }
}
