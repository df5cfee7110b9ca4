import Foundation
import TestSupport
import Testing

/// SecretService as clients of the contract see it, through both doors.
@Suite("SecretService") struct SecretServiceTests {
  private static let password = "pa55-w0rd/with+signs"

  private static func registry(_ name: String, _ password: String = password, address: String = "ghcr.io") -> JSON {
    [
      "name": .string(name),
      "value": [
        "registrySecret": [
          "username": "bot", "password": .string(password), "serverAddress": .string(address),
        ]
      ],
    ]
  }

  private static func git(_ name: String, _ token: String = password) -> JSON {
    ["name": .string(name), "value": ["gitSecret": ["username": "me", "token": .string(token)]]]
  }

  @Test("keeps a value, shows it to who asks for it by name, and to nobody else", arguments: Doors.allCases)
  func lifetime(_ door: Doors) async throws {
    try await withServer { server, _ in
      let acme = try await server.token(of: "acme")
      let calls = [
        Doors.Call(rpc: "CreateSecret", requests: [Self.registry("pull")]),
        Doors.Call(rpc: "GetSecret", requests: [["name": "pull"]]),
        Doors.Call(rpc: "ListSecrets"),
        Doors.Call(rpc: "ListSecrets", token: acme),
        Doors.Call(rpc: "GetSecret", requests: [["name": "pull"]], token: acme),
        Doors.Call(rpc: "DeleteSecret", requests: [["name": "pull"]], token: acme),
        // Rotated, with another type.
        Doors.Call(rpc: "CreateSecret", requests: [Self.git("pull", "t2")]),
        Doors.Call(rpc: "GetSecret", requests: [["name": "pull"]]),
        Doors.Call(rpc: "DeleteSecret", requests: [["name": "pull"]]),
        Doors.Call(rpc: "DeleteSecret", requests: [["name": "pull"]]),
        Doors.Call(rpc: "GetSecret", requests: [["name": "pull"]]),
      ]
      let answers = try await door.call(server, calls)
      let made = answers[0].message["metadata"]
      #expect(answers[0].code == "OK" && made["name"] == "pull" && made["type"] == "registry_secret", "\(answers[0])")
      #expect(made["createdAtMs"].string == made["updatedAtMs"].string && made["createdAtMs"].string != nil)
      #expect(!answers[0].message.text.contains(Self.password))
      #expect(answers[1].message["value"] == Self.registry("pull")["value"], "\(answers[1])")
      #expect(answers[1].message["metadata"] == made)
      #expect(answers[2].message["secrets"].array == [made], "\(answers[2])")
      #expect(answers[3].code == "OK" && answers[3].message["secrets"].array.isEmpty, "\(answers[3])")
      #expect(answers[4].code == "NOT_FOUND" && answers[4].text.contains("kindling secret"), "\(answers[4])")
      #expect(answers[5].code == "OK" && answers[5].message["success"] == true, "\(answers[5])")
      let rotated = answers[6].message["metadata"]
      #expect(rotated["type"] == "git_secret" && rotated["createdAtMs"] == made["createdAtMs"], "\(answers[6])")
      #expect(answers[7].message["value"]["gitSecret"]["token"] == "t2", "\(answers[7])")
      #expect(answers[7].message["value"]["registrySecret"] == .null, "\(answers[7])")
      #expect(answers[8].code == "OK" && answers[9].code == "OK" && answers[10].code == "NOT_FOUND", "\(answers)")
      let kept = try await Tool("grep").run(["-rlaF", "-e", Self.password, server.data, server.data + ".errors"])
      #expect(kept.output.isEmpty, "\(kept.output)")
    }
  }

  @Test("outlives the server, sealed, and not a reset")
  func durable() async throws {
    try await withTemporaryFolder { folder in
      let data = folder.path("data")
      let first = try await ServerProcess(data: data)
      _ = try await Doors.http.call(first, [Doors.Call(rpc: "CreateSecret", requests: [Self.git("clone")])])
      await first.kill()
      let second = try await ServerProcess(data: data)
      let get = Doors.Call(rpc: "GetSecret", requests: [["name": "clone"]])
      let found = try await Doors.grpc.call(second, [get])
      #expect(found[0].message["value"]["gitSecret"]["token"].string == Self.password, "\(found)")
      try await second.kindling(["reset", "--yes"]).expectSuccess()
      #expect(try await Doors.http.call(second, [get])[0].code == "NOT_FOUND")
      await second.stop()
    }
  }

  @Test("refuses what it cannot keep, and never repeats a value", arguments: Doors.allCases)
  func refusals(_ door: Doors) async throws {
    let long = String(repeating: "x", count: 65)
    var cases: [(request: JSON, word: String)] = [
      (["name": "x"], "exactly one of"), (["name": "x", "value": [:]], "exactly one of"),
      (Self.registry(""), "1 to 64"), (Self.registry(long), "1 to 64"), (Self.registry("a b"), "1 to 64"),
      (Self.registry("x", ""), "registry_secret.password"), (Self.registry("x", address: "a b"), "server_address"),
      (Self.git("x", ""), "git_secret.token"), (Self.git("x", Self.password + "\n"), "line break"),
      (
        [
          "name": "x", "value": ["registrySecret": ["password": .string(Self.password), "username": ""]],
        ], "registry_secret.username"
      ),
    ]
    // By gRPC the second member simply replaces the first one, as protobuf has it.
    if door == .http {
      cases.append(
        (
          [
            "name": "x", "value": ["gitSecret": ["token": .string(Self.password)], "registrySecret": [:]],
          ], "exclude each other"
        ))
      cases.append((["name": "x", "value": ["password": .string(Self.password)]], "is not known"))
    }
    try await withServer { server, _ in
      let answers = try await door.call(
        server, cases.map { Doors.Call(rpc: "CreateSecret", requests: [$0.request]) })
      for (entry, answer) in zip(cases, answers) {
        #expect(
          answer.code == "INVALID_ARGUMENT" && "\(answer)".contains(entry.word), "\(entry.request.text): \(answer)")
        #expect(!"\(answer)".contains(Self.password), "\(answer)")
      }
      let gone = try await door.call(
        server, ["GetSecret", "DeleteSecret"].map { Doors.Call(rpc: $0, requests: [["name": "a b"]]) })
      #expect(gone.map(\.code) == ["INVALID_ARGUMENT", "INVALID_ARGUMENT"], "\(gone)")
      #expect(try await door.call(server, [Doors.Call(rpc: "ListSecrets", token: "")])[0].code == "UNAUTHENTICATED")
      #expect(try await door.call(server, [Doors.Call(rpc: "ListSecrets")])[0].message["secrets"].array.isEmpty)
    }
  }

  @Test("fails on demand, as every RPC does")
  func faults() async throws {
    try await withServer { server, _ in
      try await server.kindling(["faults", "set", "GetSecret", "--code", "UNAVAILABLE", "--count", "1"]).expectSuccess()
      for door in Doors.allCases {
        let answers = try await door.call(server, [Doors.Call(rpc: "GetSecret", requests: [["name": "x"]])])
        #expect((answers[0].code == "NOT_FOUND") == (door == .http), "\(door): \(answers)")
      }
    }
  }
}
