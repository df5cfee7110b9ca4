import Foundation
import HTTPTypes
import NIOCore
import Service
import Storage
import SystemPackage
import Testing

@testable import Gateway

@Suite struct OwnDoorTests {
  @Test("the own page gets a token that works")
  func session() async throws {
    let house = try await TestHouse()
    let session = try await house.send(.get, "/_kindling/session", headers: [.origin: "http://localhost:4480"])
    #expect(session.json["organization"] as? String == "dev")
    #expect(session.json["version"] as? String == "9.9.9")
    let token = try #require(session.json["token"] as? String)
    #expect(try await house.send(.get, "/v1/ignite/builds", token: token).status == 200)
  }

  @Test(
    "nobody else gets one",
    arguments: [
      ("localhost:4480", false, nil), ("192.168.1.7:4480", true, nil), ("localhost:4480", true, "http://evil.example"),
    ] as [(String, Bool, String?)]
  )
  func foreignSession(host: String, isFromLoopback: Bool, origin: String?) async throws {
    var headers: HTTPFields = [:]
    headers[.origin] = origin
    let answer = try await TestHouse().send(
      .get,
      "/_kindling/session",
      headers: headers,
      authority: host,
      isFromLoopback: isFromLoopback
    )
    #expect(answer.status == 403)
    #expect(!answer.text.contains("token\":"))
  }

  @Test("events carry their sequence as id and resume after it")
  func events() async throws {
    let house = try await TestHouse()
    let token = try await house.token()
    let id = try await house.build("web", token: token)
    let path = "/_kindling/builds/\(id)/events"
    let all = try await house.send(.get, path, token: token, headers: [.accept: "text/event-stream"])
    let ids = all.lines.filter { $0.hasPrefix("id: ") }
    #expect(ids.first == "id: 1")
    #expect(ids.count > 3)
    #expect(all.text.hasSuffix("event: end\ndata: {}\n\n"))
    let rest = try await house.send(.get, path + "?after=\(ids.count - 1)", token: token)
    #expect(rest.lines.count == 1)
    #expect(rest.json["sequence"] as? Int == ids.count)
    let resumed = try await house.send(
      .get,
      path + "?after=0",
      token: token,
      headers: [.lastEventID: "\(ids.count)"]
    )
    #expect(resumed.text.isEmpty)
  }

  @Test(
    "events that cannot be given say why",
    arguments: [
      ("/_kindling/builds/bld_x/events", 404), ("/_kindling/builds/bld_x/events?after=-1", 400),
      ("/_kindling/builds/bld_x/events?after=x", 400), ("/_kindling/nothing", 404),
    ]
  )
  func failures(path: String, status: Int) async throws {
    let house = try await TestHouse()
    #expect(try await house.send(.get, path, token: try await house.token()).status == status)
  }

  @Test("events want a token")
  func eventsUnauthenticated() async throws {
    #expect(try await TestHouse().send(.get, "/_kindling/builds/x/events").status == 401)
  }

  @Test("readiness is told in words, as JSON and by status")
  func readiness() async throws {
    let house = try await TestHouse(
      readiness: Readiness(
        ready: false,
        parts: [.init(name: "ledger", ok: true, detail: ""), .init(name: "sandbox", ok: false, detail: "no overlay")]
      )
    )
    let plain = try await house.send(.get, "/readyz")
    #expect(plain.status == 503)
    #expect(plain.text == "not ready\nsandbox: no overlay\n")
    let verbose = try await house.send(.get, "/readyz?verbose")
    #expect(verbose.status == 503)
    #expect((verbose.json["parts"] as? [Any])?.count == 2)
    #expect(try await house.send(.get, "/livez").status == 200)
    #expect(try await TestHouse().send(.get, "/readyz").text == "ready\n")
  }

  @Test("the version is told without a token")
  func version() async throws {
    let answer = try await TestHouse().send(.get, "/_kindling/version")
    #expect(answer.text == #"{"version":"9.9.9"}"#)
  }

  @Test("an archive sent as a body becomes an image of the registry, and leaves no file behind")
  func imports() async throws {
    let house = try await TestHouse()
    let imported = try await house.send(
      .post, "/_kindling/images/import?ref=base:1", token: try await house.token(),
      bytes: ByteBuffer(bytes: Self.archive(of: "hello")))
    #expect(imported.status == 200, "\(imported.text)")
    let reference = try #require(imported.json["reference"] as? String)
    #expect(imported.json["layers"] as? Int == 1)
    let repository = reference.prefix { $0 != ":" }
    let manifest = try await house.send(.head, "/v2/\(repository)/manifests/1")
    #expect(manifest.headers[.dockerContentDigest] == imported.json["digest"] as? String)
    let left = try FileManager.default.contentsOfDirectory(atPath: house.data.path(.work).string)
    #expect(!left.contains { $0.hasPrefix("body-") })
  }

  @Test("an archive that is none is refused, and leaves no file behind")
  func brokenImport() async throws {
    let house = try await TestHouse()
    let answer = try await house.send(
      .post, "/_kindling/images/import?ref=base:1", token: try await house.token(), body: "no archive")
    #expect(answer.status == 400)
    let left = try FileManager.default.contentsOfDirectory(atPath: house.data.path(.work).string)
    #expect(!left.contains { $0.hasPrefix("body-") })
  }

  /// A ustar archive of one file.
  private static func archive(of text: String) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at offset: Int) {
      for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
    }
    put("greeting", at: 0)
    for offset in [108, 116] { put("0000000", at: offset) }
    put("0000644", at: 100)
    let size = String(text.utf8.count, radix: 8)
    put(String(repeating: "0", count: 11 - size.count) + size, at: 124)
    put("00000000000", at: 136)
    put("        0", at: 148)
    put("ustar\u{0}00", at: 257)
    let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
    put(String(repeating: "0", count: 6 - sum.count) + sum + "\0 ", at: 148)
    let body = Array(text.utf8) + [UInt8](repeating: 0, count: 512 - text.utf8.count)
    return header + body + [UInt8](repeating: 0, count: 1024)
  }

  @Test("an import names its image")
  func importWithoutReference() async throws {
    let house = try await TestHouse()
    let answer = try await house.send(.post, "/_kindling/images/import", token: try await house.token())
    #expect(answer.status == 400)
    #expect(answer.text.contains("reference-missing"))
  }
}
