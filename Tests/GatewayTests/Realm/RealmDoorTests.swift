import Foundation
import HTTPTypes
import Service
import Storage
import Testing

@testable import Gateway

@Suite struct RealmDoorTests {
  private static let path = "/realms/dodil/protocol/openid-connect/token"
  private static let form: HTTPFields = [.contentType: "application/x-www-form-urlencoded; charset=utf-8"]

  private func ask(
    _ house: TestHouse, _ body: String, basic: String? = nil, host: String = "localhost:4480",
    isFromLoopback: Bool = true
  ) async throws -> Answer {
    var headers = Self.form
    if let basic { headers[.authorization] = "Basic " + Data(basic.utf8).base64EncodedString() }
    return try await house.send(
      .post, Self.path, headers: headers, body: body, authority: host, isFromLoopback: isFromLoopback)
  }

  private func identity(_ answer: Answer, _ house: TestHouse) async throws -> Identity {
    try await house.identities.identity(token: try #require(answer.json["access_token"] as? String, "\(answer.text)"))
  }

  @Test("a client gets a token as Keycloak would give it")
  func token() async throws {
    let house = try await TestHouse()
    let answer = try await ask(house, "grant_type=client_credentials&client_id=ci&client_secret=any&scope=openid+email")
    #expect(answer.status == 200 && answer.headers[.cacheControl] == "no-store")
    #expect(answer.json["token_type"] as? String == "Bearer")
    #expect(answer.json["expires_in"] as? Int == 300)
    #expect(answer.json["refresh_expires_in"] as? Int == 0)
    #expect(answer.json["not-before-policy"] as? Int == 0)
    #expect(answer.json["scope"] as? String == "openid email")
    let identity = try await identity(answer, house)
    #expect(identity.organization.name == "dev" && identity.subject == "service-account-ci" && identity.scopes == nil)
    let token = try #require(answer.json["access_token"] as? String)
    let payload = token.split(separator: ".").dropFirst().first.map(String.init) ?? ""
    let padded = payload + String(repeating: "=", count: (4 - payload.count % 4) % 4)
    let claims = Data(base64Encoded: padded.replacing("-", with: "+").replacing("_", with: "/")) ?? Data()
    let read = try #require(try JSONSerialization.jsonObject(with: claims) as? [String: Any])
    #expect(read["iss"] as? String == "http://localhost:4480/realms/dodil")
    let issued = try #require(read["iat"] as? Int)
    let ends = try #require(read["exp"] as? Int)
    #expect(ends - issued == 300)
  }

  @Test(
    "the client's name says for which organisation, in the form and in HTTP Basic",
    arguments: [
      ("grant_type=client_credentials&client_id=acme/ci&client_secret=x", nil),
      ("grant_type=client_credentials&client_id=acme%2Fci&client_secret=x", nil),
      ("grant_type=client_credentials", "acme/ci:x"), ("grant_type=client_credentials", "acme%2Fci:x:y"),
      ("grant_type=client_credentials&client_id=other/ci&client_secret=x", "acme/ci:x"),
    ] as [(String, String?)])
  func organization(body: String, basic: String?) async throws {
    let house = try await TestHouse()
    let identity = try await identity(try await ask(house, body, basic: basic), house)
    #expect(identity.organization.name == "acme" && identity.subject == "service-account-acme/ci")
  }

  @Test("scopes that are asked for restrict the token")
  func scopes() async throws {
    let house = try await TestHouse()
    let answer = try await ask(
      house, "grant_type=client_credentials&client_id=a&client_secret=b&scope=ListBuilds%20GetBuild%20openid")
    #expect(answer.json["scope"] as? String == "openid GetBuild ListBuilds")
    #expect(try await identity(answer, house).scopes == [.getBuild, .listBuilds])
    let token = answer.json["access_token"] as? String
    #expect(try await house.send(.get, "/v1/ignite/builds", token: token).status == 200)
    let denied = try await house.send(.post, "/v1/ignite/builds", token: token, body: "{}")
    #expect(denied.status == 403 && denied.text.contains("CreateBuild"))
  }

  @Test(
    "what is refused is refused in OAuth's words",
    arguments: [
      ("", nil, 400, "invalid_request", "grant_type"),
      ("client_id=a&client_secret=b", nil, 400, "invalid_request", "grant_type"),
      ("grant_type=password&username=u&password=p&client_id=a", nil, 400, "unsupported_grant_type", "'password'"),
      (
        "grant_type=refresh_token&client_id=a&client_secret=b", nil, 400, "unsupported_grant_type", "client_credentials"
      ),
      ("grant_type=client_credentials", nil, 401, "invalid_client", "client_id"),
      ("grant_type=client_credentials&client_id=a", nil, 401, "invalid_client", "client_secret"),
      ("grant_type=client_credentials&client_id=a%0Ab&client_secret=b", nil, 401, "invalid_client", "client_id"),
      ("grant_type=client_credentials&client_id=A+C/x&client_secret=b", nil, 401, "invalid_client", "client_id"),
      ("grant_type=client_credentials&client_id=No/x&client_secret=b", nil, 401, "invalid_client", "'No'"),
      ("grant_type=client_credentials", "nocolon", 401, "invalid_client", "Basic"),
      ("grant_type=client_credentials", ":b", 401, "invalid_client", "client_id"),
      (
        "grant_type=client_credentials&client_id=a&client_id=b&client_secret=c", nil, 400, "invalid_request",
        "'client_id' twice"
      ),
      (
        "grant_type=client_credentials&client_id=a&client_secret=b&scope=CreatBuild", nil, 400, "invalid_scope",
        "'CreatBuild'"
      ),
    ] as [(String, String?, Int, String, String)])
  func refused(body: String, basic: String?, status: Int, error: String, words: String) async throws {
    let answer = try await ask(try await TestHouse(), body, basic: basic)
    #expect(answer.status == status && answer.json["error"] as? String == error, "\(answer.text)")
    #expect((answer.json["error_description"] as? String)?.contains(words) == true, "\(answer.text)")
    #expect((answer.headers[.wwwAuthenticate] != nil) == (status == 401))
  }

  @Test("a body that is no form, another method and another page are refused")
  func otherRequests() async throws {
    let house = try await TestHouse()
    let json = try await house.send(
      .post, Self.path, headers: [.contentType: "application/json"], body: #"{"grant_type":"client_credentials"}"#)
    #expect(json.status == 400 && json.text.contains("x-www-form-urlencoded"))
    #expect(try await house.send(.get, Self.path).status == 405)
    let large = try await ask(house, "grant_type=" + String(repeating: "x", count: 70_000))
    #expect(large.status == 400 && large.text.contains("64 KiB"))
    var headers = Self.form
    headers[.origin] = "http://evil.example"
    let body = "grant_type=client_credentials&client_id=a&client_secret=b"
    let page = try await house.send(.post, Self.path, headers: headers, body: body)
    #expect(page.status == 403 && !page.text.contains("access_token"))
    for path in ["/realms", "/realms/", "/realms/a%20b/protocol/openid-connect/token", "/realms/dodil/account"] {
      #expect(try await house.send(.post, path, headers: Self.form, body: body).status == 404, "\(path)")
    }
  }

  @Test("a proxy on this machine speaks for others, whatever it writes into Host")
  func proxies() async throws {
    let house = try await TestHouse()
    for mark in ["x-forwarded-for", "forwarded", "x-real-ip", "via"] {
      var headers = Self.form
      headers[try #require(HTTPField.Name(mark))] = "192.0.2.7"
      let body = "grant_type=client_credentials&client_id=acme/x&client_secret=x"
      let answer = try await house.send(.post, Self.path, headers: headers, body: body)
      #expect(answer.status == 401 && !answer.text.contains("access_token"), "\(mark): \(answer.text)")
    }
  }

  @Test("beyond this machine what a token buys ends with it")
  func ends() async throws {
    let house = try await TestHouse()
    let short = try await house.identities.mintToken(for: OrganizationName("acme"), lifetime: .seconds(60))
    let bought = try await ask(
      house, "grant_type=client_credentials&client_id=ci&client_secret=\(short)", host: "192.168.1.7:4480")
    let lasts = try #require(bought.json["expires_in"] as? Int)
    #expect((1...60).contains(lasts))
    let token = try #require(bought.json["access_token"] as? String)
    let end = try #require(try await house.identities.verified(token).expiresAt)
    #expect(try await house.identities.verified(short).expiresAt ?? end >= end)
  }

  @Test("beyond this machine a secret is a token of this server, and buys no more than it was")
  func strangers() async throws {
    let house = try await TestHouse()
    let own = try await house.token("acme")
    let narrow = try await house.identities.mintToken(
      for: Identity(organization: OrganizationName("acme"), subject: "s", scopes: [.getBuild]), lifetime: .seconds(60)
    ).token
    let base = "grant_type=client_credentials&client_id="
    for (host, isFromLoopback) in [("192.168.1.7:4480", true), ("localhost:4480", false)] {
      func asked(_ body: String) async throws -> Answer {
        try await ask(house, base + body, host: host, isFromLoopback: isFromLoopback)
      }
      let stranger = try await asked("ci&client_secret=any")
      #expect(stranger.status == 401 && stranger.json["error"] as? String == "invalid_client", "\(stranger.text)")
      #expect(try await identity(asked("ci&client_secret=\(own)"), house).organization.name == "acme")
      #expect(try await asked("dev/ci&client_secret=\(own)").status == 401)
      #expect(try await identity(asked("acme/ci&client_secret=\(narrow)"), house).scopes == [.getBuild])
      let more = try await asked("ci&scope=CreateBuild&client_secret=\(narrow)")
      #expect(more.json["error"] as? String == "invalid_scope", "\(more.text)")
      let less = try await asked("ci&scope=GetBuild&client_secret=\(own)")
      #expect(try await identity(less, house).scopes == [.getBuild])
    }
  }

  @Test("what claims believe buys no signature")
  func claims() async throws {
    let house = try await TestHouse(mode: .claims)
    let forged = "eyJhbGciOiJub25lIn0.eyJvcmdfbmFtZSI6ImFjbWUifQ."
    #expect(try await house.send(.get, "/v1/ignite/builds", token: forged).status == 200)
    let answer = try await ask(
      house, "grant_type=client_credentials&client_id=a&client_secret=\(forged)", isFromLoopback: false)
    #expect(answer.status == 401, "\(answer.text)")
  }

  @Test("discovery leads to the token endpoint, and says that there is no public key")
  func discovery() async throws {
    let house = try await TestHouse()
    let found = try await house.send(.get, "/realms/any/.well-known/openid-configuration")
    #expect(found.json["issuer"] as? String == "http://localhost:4480/realms/any")
    let endpoint = "http://localhost:4480/realms/any/protocol/openid-connect/token"
    #expect(found.json["token_endpoint"] as? String == endpoint)
    #expect(found.json["grant_types_supported"] as? [String] == ["client_credentials"])
    let keys = try await house.send(.get, "/realms/any/protocol/openid-connect/certs")
    #expect(keys.status == 200 && (keys.json["keys"] as? [Any])?.isEmpty == true)
  }
}
