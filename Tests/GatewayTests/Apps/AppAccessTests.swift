import Diagnostics
import Foundation
import Runner
import Synchronization
import TestSupport
import Testing

@testable import Gateway
@testable import Service

/// Who may call which app, and what they are told who may not.
@Suite(.timeLimit(.minutes(1))) struct AppAccessTests {
  private struct Answer {
    var status: Int
    var head: String
    var body: String
    var reason: String {
      body.firstRange(of: #""reason":""#).map { String(body[$0.upperBound...].prefix { $0 != "\"" }) } ?? ""
    }
  }

  private func ask(
    _ house: AppHouse, _ label: String, token: String? = nil, method: String = "GET", headers: String = ""
  ) async throws -> Answer {
    let port = house.port
    let bearer = token.map { "authorization: bearer \($0)\r\n" } ?? ""
    return try await onThread {
      let peer = try Peer(port: port)
      defer { peer.close() }
      try peer.write("\(method) /x HTTP/1.1\r\nHost: \(label).ignite.localhost\r\n\(bearer)\(headers)\r\n")
      let (head, body) = try peer.message(hasBody: method != "HEAD")
      return Answer(status: Int(head.dropFirst(9).prefix(3)) ?? 0, head: head.lowercased(), body: body)
    }
  }

  @Test("without a token every name answers alike, known or not")
  func withoutToken() async throws {
    let house = try await AppHouse(AppScript.mirror)
    let known = try await ask(house, "app-dev")
    #expect(known.status == 401)
    #expect(known.head.contains("www-authenticate: bearer\r\n"))
    #expect(known.head.contains("content-type: application/json\r\n"))
    #expect(known.reason == "token-missing")
    #expect(known.body.contains(#""code":16"#))
    for label in ["nothing-dev", "other-acme", "a.b", "x"] {
      let unknown = try await ask(house, label)
      #expect(unknown.head == known.head)
      #expect(unknown.body == known.body)
    }
    #expect(try await ask(house, "app-dev", token: "abc.def.ghi").status == 401)
    #expect(house.connections == 0)
  }

  @Test("a token of the app's organisation is let in, as often as it comes")
  func own() async throws {
    let house = try await AppHouse(AppScript.mirror)
    let token = try await house.token()
    for _ in 0..<3 {
      let answer = try await ask(house, "app-dev", token: token)
      #expect(answer.status == 200)
      #expect(answer.body.contains(token))
      #expect(!answer.head.contains("access-control"))
    }
    #expect(try await ask(house, "APP-Dev", token: token).status == 200)
  }

  @Test("nobody learns which apps others have: names that could be one's own are unknown, all others refused")
  func foreign() async throws {
    let house = try await AppHouse(AppScript.mirror)
    let token = try await house.token()
    let foreign = try await ask(house, "other-acme", token: token)
    #expect(foreign.status == 403)
    #expect(foreign.reason == "app-foreign")
    let invented = try await ask(house, "invented-acme", token: token)
    #expect(invented.status == 403)
    #expect(invented.body == foreign.body.replacing("other-acme", with: "invented-acme"))
    for label in ["nothing-dev", "nothing-dev-8080", "nothing-public"] {
      let unknown = try await ask(house, label, token: token)
      #expect(unknown.status == 404)
      #expect(unknown.reason == "app-unknown")
    }
    // An app 'a' of organisation 'x-dev' has a name that an app of 'dev' could have.
    let alike = try await ask(house, "a-x-dev", token: token)
    #expect(alike.status == 404)
    #expect(house.connections == 0)
  }

  @Test("any organisation calls public apps, which do not get to see its token")
  func everybodys() async throws {
    let house = try await AppHouse(AppScript.mirror)
    let answer = try await ask(house, "page-public", token: try await house.token("acme"))
    #expect(answer.status == 200)
    #expect(answer.body.contains("x-ignite-function-id: public/page"))
    #expect(!answer.body.lowercased().contains("authorization"))
    #expect(try await ask(house, "page-public").status == 401)
  }

  @Test("a token that is restricted has to name InvokeApp")
  func scope() async throws {
    let house = try await AppHouse(AppScript.mirror)
    let refused = try await ask(house, "app-dev", token: try await house.token(scopes: [.getApp]))
    #expect(refused.status == 403)
    #expect(refused.reason == "scope-missing")
    #expect(try await ask(house, "app-dev", token: try await house.token(scopes: [.invokeApp])).status == 200)
  }

  @Test("an app that asks nobody is open to every page: CORS of ours, and the preflight is answered here")
  func open() async throws {
    let house = try await AppHouse { peer in
      let head = try peer.message().head
      try peer.write(
        "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: https://only.example\r\ncontent-length: \(head.utf8.count)\r\n\r\n"
          + head)
    }
    let answer = try await ask(house, "open-dev", token: "any", headers: "Origin: https://a.example\r\n")
    #expect(answer.status == 200)
    #expect(answer.head.contains("access-control-allow-origin: *\r\n"))
    #expect(!answer.head.contains("only.example"))
    let asked = "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n"
    let preflight = try await ask(house, "open-dev", method: "OPTIONS", headers: asked)
    #expect(preflight.status == 204)
    #expect(preflight.head.contains("access-control-allow-origin: *\r\n"))
    #expect(preflight.head.contains("access-control-allow-headers: content-type\r\n"))
    #expect(preflight.head.contains("access-control-allow-methods: get, head, post"))
    // Every other question is the app's.
    #expect(try await ask(house, "open-dev", method: "OPTIONS").body.hasPrefix("OPTIONS /x "))
    // And of the other apps nothing is said.
    let closed = try await ask(house, "app-dev", method: "OPTIONS", headers: asked)
    #expect(closed.status == 401)
    #expect(!closed.head.contains("access-control"))
  }

  @Test("where nobody needs a token the organisation is what the caller says")
  func off() async throws {
    let house = try await AppHouse(mode: .off, AppScript.mirror)
    #expect(try await ask(house, "app-dev").status == 200)
    #expect(try await ask(house, "other-acme").status == 403)
    #expect(try await ask(house, "other-acme", headers: "x-organization-name: acme\r\n").status == 200)
  }

  @Test("an injected fault is met here too")
  func fault() async throws {
    let house = try await AppHouse(AppScript.mirror)
    let token = try await house.token()
    house.faults.set(try Fault(at: .hostCall, count: 1))
    #expect(try await ask(house, "app-dev", token: token).reason == "fault-injected")
    #expect(try await ask(house, "app-dev", token: token).status == 200)
  }

  @Test("the gateway itself is not to be had under an app's name")
  func misdirected() async throws {
    let rule = HostRule(extra: ["*"], apps: .standard)
    #expect(throws: Failure.self) { try rule.check("app-dev.ignite.localhost:4480") }
    try rule.check("ignite.localhost:4480")
    try rule.check("localhost")
  }
}
