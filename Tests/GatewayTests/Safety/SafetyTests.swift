import Diagnostics
import HTTPTypes
import Testing

@testable import Gateway

@Suite struct SafetyTests {
  @Test(
    "this machine's names and any address are answered",
    arguments: [
      "localhost", "localhost:4480", "LOCALHOST.", "shop-acme.ignite.localhost:4480", "127.0.0.1:80", "[::1]:4480",
      "192.168.1.7:4480", "build.example", "build.example:4480", nil,
    ] as [String?]
  )
  func ownHosts(host: String?) throws {
    try HostRule(extra: ["Build.example"]).check(host)
  }

  @Test(
    "any other name is refused with the flag that allows it",
    arguments: ["evil.example", "localhost.evil.example:4480", "127.0.0.1.evil.example", "1.2.3.4.5", "1.2.3.400"]
  )
  func foreignHosts(host: String) {
    let failure = #expect(throws: Failure.self) { try HostRule(extra: []).check(host) }
    #expect(failure?.reason == "host-refused")
    #expect(failure?.hint?.contains("--allow-host") == true)
  }

  @Test("a star allows every name")
  func star() throws { try HostRule(extra: ["*"]).check("evil.example") }

  @Test("a refused host gets 421 at every door", arguments: ["/", "/v1/ignite/builds", "/v2/", "/livez"])
  func misdirected(path: String) async throws {
    let answer = try await TestHouse().send(.get, path, authority: "evil.example")
    #expect(answer.status == 421)
    #expect(answer.text.contains("--allow-host evil.example"))
    #expect(answer.text.contains(path == "/v2/" ? "\"errors\"" : "\"code\":7"))
  }

  @Test(
    "a page of another origin cannot change anything",
    arguments: [
      ["origin": "http://evil.example"], ["origin": "null"], ["origin": "http://localhost:3000"],
      ["sec-fetch-site": "cross-site"], ["sec-fetch-site": "same-site"],
      ["sec-fetch-site": "cross-site", "origin": "http://localhost:4480"],
    ]
  )
  func crossOrigin(fields: [String: String]) async throws {
    let house = try await TestHouse()
    let answer = try await house.send(
      .post,
      "/v1/ignite/builds",
      token: try await house.token(),
      headers: Self.headers(fields),
      body: "{}"
    )
    #expect(answer.status == 403)
    #expect(answer.text.contains("cross-origin"))
  }

  @Test(
    "the own page and programs pass",
    arguments: [
      [:], ["origin": "http://localhost:4480"], ["sec-fetch-site": "same-origin", "origin": "http://LOCALHOST:4480"],
      ["sec-fetch-site": "none"],
    ]
  )
  func sameOrigin(fields: [String: String]) async throws {
    let house = try await TestHouse()
    let answer = try await house.send(
      .post,
      "/v1/ignite/builds",
      token: try await house.token(),
      headers: Self.headers(fields),
      body: "{}"
    )
    #expect(answer.text.contains("name-missing"))
  }

  @Test("a registry push from a page is refused in the registry's words")
  func registryCrossOrigin() async throws {
    let answer = try await TestHouse().send(
      .post,
      "/v2/dev/app/blobs/uploads/",
      headers: [.origin: "http://evil.example"]
    )
    #expect(answer.status == 403)
    #expect(answer.text.contains("\"errors\""))
  }

  private static func headers(_ fields: [String: String]) -> HTTPFields {
    var headers: HTTPFields = [:]
    for (name, value) in fields { if let name = HTTPField.Name(name) { headers[name] = value } }
    return headers
  }
}
