import Foundation
import TestSupport
import Testing

/// Who may call what, through both doors.
@Suite("tokens and scopes") struct ScopeTests {
  private static let scopes = [
    "CreateBuild", "GetBuild", "ListBuilds", "CancelBuild", "SaveBuildSecrets", "CreateSecret", "GetSecret",
    "ListSecrets",
    "DeleteSecret",
  ]
  /// Every RPC and the scope it asks for; unknown ids keep the calls from doing anything.
  private static let rules: [(rpc: String, request: JSON, scope: String)] = [
    ("CreateBuild", [:], "CreateBuild"), ("GetBuild", ["buildId": "bld_x"], "GetBuild"),
    ("ListBuilds", [:], "ListBuilds"), ("StreamBuildLogs", ["buildId": "bld_x"], "GetBuild"),
    ("CancelBuild", ["buildId": "bld_x"], "CancelBuild"),
    ("SaveBuildSecrets", ["buildSecrets": ["A": "b"]], "SaveBuildSecrets"), ("CreateSecret", [:], "CreateSecret"),
    ("GetSecret", ["name": "x"], "GetSecret"), ("ListSecrets", [:], "ListSecrets"),
    ("DeleteSecret", ["name": "x"], "DeleteSecret"),
  ]

  @Test("every RPC asks for its scope, and for no other", arguments: Doors.allCases)
  func perMethod(_ door: Doors) async throws {
    try await withServer { server, _ in
      var rules = Self.rules
      if door == .grpc { rules.append(("UploadBuildContext", ["metadata": ["name": "x"]], "CreateBuild")) }
      var calls: [Doors.Call] = []
      for rule in rules {
        let without = try await token(server, Self.scopes.filter { $0 != rule.scope })
        let alone = try await token(server, [rule.scope])
        calls += [without, alone, server.token].map {
          Doors.Call(rpc: rule.rpc, requests: [rule.request], token: $0)
        }
      }
      let answers = try await door.call(server, calls)
      for (index, rule) in rules.enumerated() {
        let (without, alone, all) = (answers[index * 3], answers[index * 3 + 1], answers[index * 3 + 2])
        #expect(without.code == "PERMISSION_DENIED", "\(rule.rpc): \(without)")
        #expect(without.text.contains("'\(rule.scope)'"), "\(rule.rpc): \(without)")
        #expect(without.text.contains("kindling token --org dev --scope"), "\(rule.rpc): \(without)")
        #expect(alone.code != "PERMISSION_DENIED" && alone.code == all.code, "\(rule.rpc): \(alone)")
      }
    }
  }

  @Test("this server's own paths ask for the scope of what they do")
  func ownPaths() async throws {
    try await withServer { server, _ in
      let listing = try await token(server, ["ListBuilds"])
      for (method, path) in [
        ("GET", "/_kindling/builds/bld_x/events"), ("POST", "/_kindling/images/import?ref=a:b"),
      ] {
        let (status, body, _) = try await server.http(method, path, body: "", token: listing)
        #expect(status == 403 && body.contains("scope-missing"), "\(path): \(body)")
      }
      // The registry asks for none, and what it makes of the token is as restricted.
      let (status, body, _) = try await server.http("GET", "/v2/token", token: listing)
      #expect(status == 200)
      let exchanged = try #require(try JSON(text: body)["token"].string)
      let denied = try await Doors.http.call(
        server, [Doors.Call(rpc: "GetBuild", requests: [["buildId": "bld_x"]], token: exchanged)])
      #expect(denied[0].code == "PERMISSION_DENIED", "\(denied)")
      #expect(try await server.http("GET", "/v2/", token: exchanged).status == 200)
    }
  }

  @Test("claims of others' tokens are believed where the server was told so, and their own words restrict nothing")
  func claims() async throws {
    let other = #""organization":{"acme":{"id":"1"}}"#
    let cases: [(name: String, token: String, code: String)] = [
      ("unsigned", Self.token(#"{"alg":"none"}"#, "{\(other)}", signature: ""), "OK"),
      ("signed with a key of others", Self.token(#"{"alg":"RS256","kid":"k"}"#, "{\(other)}"), "OK"),
      ("Keycloak's scopes", Self.token(#"{"alg":"RS256"}"#, #"{\#(other),"scope":"openid profile email"}"#), "OK"),
      ("a name alone", Self.token(#"{"alg":"RS256"}"#, #"{"org_name":"acme"}"#), "OK"),
      ("an id alone", Self.token(#"{"alg":"RS256"}"#, #"{"org_id":"acme"}"#), "OK"),
      ("our scope", Self.token(#"{"alg":"RS256"}"#, #"{\#(other),"scope":"openid ListBuilds"}"#), "OK"),
      ("a list of scopes", Self.token(#"{"alg":"RS256"}"#, #"{\#(other),"scopes":["ListBuilds"]}"#), "OK"),
      (
        "another scope", Self.token(#"{"alg":"RS256"}"#, #"{\#(other),"scope":"openid GetBuild"}"#),
        "PERMISSION_DENIED"
      ),
      (
        "a list of others", Self.token(#"{"alg":"RS256"}"#, #"{\#(other),"scopes":["GetBuild"]}"#),
        "PERMISSION_DENIED"
      ),
      ("ended", Self.token(#"{"alg":"RS256"}"#, #"{\#(other),"exp":1}"#), "UNAUTHENTICATED"),
      ("no organisation", Self.token(#"{"alg":"RS256"}"#, #"{"sub":"x"}"#), "UNAUTHENTICATED"),
      ("no organisation's name", Self.token(#"{"alg":"RS256"}"#, #"{"org_name":"A C"}"#), "UNAUTHENTICATED"),
      ("opaque", "dev", "UNAUTHENTICATED"), ("none", "", "UNAUTHENTICATED"),
    ]
    try await withServer(["--auth", "claims"]) { server, folder in
      // Seen by acme alone, so that a list tells whose it is.
      let archive = try await Tree.inline(dockerfile: Tree.scratch, in: folder)
      let made = try await Doors.http.call(
        server,
        [Doors.Call(rpc: "CreateBuild", requests: [["name": "x", "zippedCode": archive]], token: cases[0].token)])
      #expect(made[0].code == "OK", "\(made)")
      for door in Doors.allCases {
        // A name in a header is nobody's claim.
        let calls = cases.map {
          Doors.Call(rpc: "ListBuilds", token: $0.token, headers: ["x-organization-name": "dev"])
        }
        for (entry, answer) in zip(cases, try await door.call(server, calls)) {
          #expect(answer.code == entry.code, "\(door) \(entry.name): \(answer)")
          if entry.code == "OK" {
            #expect(answer.message["builds"].array.count == 1, "\(door) \(entry.name): \(answer)")
          }
        }
      }
    }
  }

  @Test("without authentication a header says whose call it is, and nowhere else", arguments: Doors.allCases)
  func headers(_ door: Doors) async throws {
    try await withServer(["--auth", "off"]) { server, folder in
      let archive = try await Tree.inline(dockerfile: Tree.scratch, in: folder)
      let list = { (headers: [String: String]) in Doors.Call(rpc: "ListBuilds", token: "", headers: headers) }
      let answers = try await door.call(
        server,
        [
          Doors.Call(
            rpc: "CreateBuild", requests: [["name": "x", "zippedCode": archive]], token: "",
            headers: ["x-organization-name": "acme"]),
          list([:]), list(["x-organization-name": "acme"]), list(["x-organization-id": "acme"]),
          list(["x-organization-name": "dev", "x-organization-id": "acme"]), list(["x-organization-name": "A C"]),
        ])
      #expect(answers.map(\.message["builds"].array.count) == [0, 0, 1, 1, 0, 0], "\(answers)")
      #expect(answers[5].code == "INVALID_ARGUMENT" && answers[5].text.contains("'A C'"), "\(answers[5])")
    }
    try await withServer { server, _ in
      let answers = try await door.call(
        server, [Doors.Call(rpc: "ListBuilds", headers: ["x-organization-name": "A C"])])
      #expect(answers[0].code == "OK", "\(answers)")
    }
  }

  private func token(_ server: ServerProcess, _ scopes: [String]) async throws -> String {
    let result = try await server.kindling(["token"] + scopes.flatMap { ["--scope", $0] })
    return try #require(result.lines.first, "\(result.all)")
  }

  static func token(_ header: String, _ payload: String, signature: String = "c2lnbmF0dXJl") -> String {
    let parts = [header, payload].map { text in
      Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
    return parts.joined(separator: ".") + "." + signature
  }
}
