import Foundation
import TestSupport
import Testing

/// What ComputeService refuses, by either door: the code, and words that say what is wrong and what to do.
@Suite("Apps: what is refused") struct ComputeRefusalTests {
  private struct Rule: Sendable {
    var rpc: String
    var request: JSON
    var code: String
    var words: [String]

    init(_ rpc: String, _ request: JSON, _ words: [String], code: String = "INVALID_ARGUMENT") {
      self.rpc = rpc
      self.request = request
      self.code = code
      self.words = words
    }
  }

  private static func named(_ more: JSON = [:], name: JSON = "x") -> JSON {
    .object(["organizationName": "dev", "name": name].merging(more.object) { $1 })
  }

  private static func app(_ name: JSON, _ more: JSON = [:]) -> JSON {
    .object(["organizationName": "dev", "appName": name].merging(more.object) { $1 })
  }

  private static func image(_ source: JSON) -> JSON { ["code": ["image": source]] }

  private static let apps: [Rule] = [
    Rule("CreateApp", named(name: ""), ["the app has no name"]),
    Rule("CreateApp", named(name: "Up"), ["app name 'Up'", "lower-case"]),
    Rule("CreateApp", named(name: "a_b"), ["app name 'a_b'"]),
    Rule("CreateApp", named(name: "a.-b"), ["app name 'a.-b'"]),
    Rule("CreateApp", named(name: "-a"), ["app name '-a'"]),
    Rule("CreateApp", named(name: .string(String(repeating: "a", count: 64))), ["1 to 63"]),
    Rule("CreateApp", named(name: "taken"), ["app 'dev/taken' exists", "kindling app update"], code: "ALREADY_EXISTS"),
    Rule("CreateApp", named(["env": ["": "x"]]), ["environment variable name ''"]),
    Rule("CreateApp", named(["env": ["A=B": "sesame"]]), ["environment variable name 'A=B'"]),
    Rule("CreateApp", named(["env": ["A": "sesame\u{0}"]]), ["value of environment variable 'A'", "NUL"]),
    Rule("CreateApp", named(["env": ["1A": "x"]]), ["environment variable name '1A'"]),
    Rule("CreateApp", named(["ports": [0]]), ["port 0", "1 and 65535"]),
    Rule("CreateApp", named(["ports": [65536]]), ["port 65536"]),
    Rule("CreateApp", named(["ports": [80, 81, 80]]), ["port 80", "twice"]),
    Rule("CreateApp", named(["healthPath": "healthz"]), ["health_path 'healthz'", "begin it with '/'"]),
    Rule("CreateApp", named(["healthPath": "/a b"]), ["health_path '/a b'"]),
    Rule("CreateApp", named(["limits": ["memoryMb": 1]]), ["limits.memory_mb 1", "16 and 65536"]),
    Rule("CreateApp", named(["limits": ["cpuMillicores": 1]]), ["limits.cpu_millicores 1"]),
    Rule("CreateApp", named(["limits": ["timeoutSecs": "86401"]]), ["limits.timeout_secs 86401"]),
    Rule("CreateApp", named(["scaling": ["maxReplicas": 65]]), ["scaling.max_replicas 65"]),
    Rule("CreateApp", named(["scaling": ["reservedCapacity": 2]]), ["scaling.reserved_capacity 2", "max_replicas"]),
    Rule("CreateApp", named(["maxConcurrency": 100_001]), ["max_concurrency 100001"]),
    Rule("CreateApp", named(["resourceTier": 9]), ["resource tier 9", "_MEDIUM"]),
    Rule(
      "CreateApp", named(image(["prebuilt": ["imageRef": "not a reference"]])), ["image_ref 'not a reference'"]),
    Rule("GetApp", app("none"), ["app 'none' does not exist", "kindling app list"], code: "NOT_FOUND"),
    Rule("GetAppState", app("none"), ["app 'none'"], code: "NOT_FOUND"),
    Rule("DeleteApp", app("none"), ["app 'none'"], code: "NOT_FOUND"),
    Rule("UpdateAppConfig", app("none", ["description": "x"]), ["app 'none'"], code: "NOT_FOUND"),
    Rule("UpdateAppConfig", app("taken", ["healthPath": "x"]), ["health_path 'x'"]),
    Rule("UpdateAppConfig", app("taken", ["ports": [70_000]]), ["port 70000"]),
    Rule("ListApps", ["organizationName": "dev", "cursor": "x"], ["cursor 'x'", "ListApps"]),
  ]

  private static let drafts: [Rule] = [
    Rule("SaveDraft", app("new"), ["the draft has no code", "prebuilt, from_code and from_git"]),
    Rule("SaveDraft", app("new", ["code": ["image": [:]]]), ["the draft has no code"]),
    Rule(
      "SaveDraft", app("new", ["code": ["compile": ["sourceCode": "aGk="]]]),
      ["code.compile", "is not emulated", "image_ref", "from_git"], code: "UNIMPLEMENTED"),
    Rule("SaveDraft", app("new", image(["prebuilt": ["imageRef": ""]])), ["prebuilt.image_ref is empty"]),
    Rule("SaveDraft", app("new", image(["fromCode": ["archive": ""]])), ["from_code.archive is empty"]),
    Rule(
      "SaveDraft", app("new", image(["fromCode": ["archive": "aGk=", "dockerfilePath": "../x"]])),
      ["dockerfile path '../x'"]),
    Rule(
      "SaveDraft", app("new", image(["fromCode": ["archive": "aGk=", "buildArgs": ["A B": "c"]]])),
      ["build argument name 'A B'"]),
    Rule("SaveDraft", app("new", image(["fromGit": ["url": ""]])), ["from_git has no url"]),
    Rule(
      "SaveDraft", app("new", image(["fromGit": ["url": "https://me:sesame@git.example/a.git"]])),
      ["kindling secret create", "secret_ref"]),
    Rule("SaveDraft", app("new", image(["fromGit": ["url": "file:///etc"]])), ["from_git '/etc'", "with from_code"]),
    Rule(
      "SaveDraft", app("new", image(["fromGit": ["url": "https://git.example/a.git", "subPath": "../b"]])),
      ["sub_path '../b'"]),
    Rule(
      "SaveDraft", app("new", image(["prebuilt": ["imageRef": "a:b", "registrySecretRef": "none"]])),
      ["secret 'none' does not exist", "kindling secret create"], code: "NOT_FOUND"),
    Rule(
      "SaveDraft", app("new", image(["prebuilt": ["imageRef": "a:b", "registrySecretRef": "of-git"]])),
      ["secret 'of-git' is a git_secret", "registry_secret"]),
    Rule(
      "SaveDraft", app("new", image(["fromGit": ["url": "https://git.example/a.git", "secretRef": "of-registry"]])),
      ["secret 'of-registry' is a registry_secret", "git_secret"]),
    Rule("GetDraftInfo", app("none"), ["app 'none'"], code: "NOT_FOUND"),
    Rule("CompileDraft", app("taken"), ["has no draft", "kindling draft save"], code: "FAILED_PRECONDITION"),
    Rule("PublishDraft", app("taken"), ["has no draft"], code: "FAILED_PRECONDITION"),
    Rule("TestDraft", app("taken"), ["has no draft"], code: "FAILED_PRECONDITION"),
    Rule("StreamCompileLogs", ["deployId": "dep_x"], ["compile 'dep_x' does not exist"], code: "NOT_FOUND"),
    Rule("ListAppVersions", app("none"), ["app 'none'"], code: "NOT_FOUND"),
    Rule("GetAppVersion", app("taken", ["version": 7]), ["has no version 7", "version list"], code: "NOT_FOUND"),
    Rule("RollbackApp", app("taken", ["version": 7]), ["has no version 7"], code: "NOT_FOUND"),
    Rule("RollbackApp", app("taken"), ["version 0 is the draft"]),
  ]

  private static let calls: [Rule] = [
    Rule("Invoke", app("taken"), ["has no active version", "kindling draft publish"], code: "FAILED_PRECONDITION"),
    Rule("InvokeAsync", app("taken"), ["has no active version"], code: "FAILED_PRECONDITION"),
    Rule("Invoke", app("none"), ["app 'none'"], code: "NOT_FOUND"),
    Rule("Invoke", app("taken", ["http": ["method": "A B"]]), ["http.method 'A B'"]),
    Rule("Invoke", app("taken", ["http": ["path": "x"]]), ["http.path 'x'", "begin it with '/'"]),
    Rule("Invoke", app("taken", ["http": ["path": "/a?b"]]), ["http.path '/a?b'", "http.query"]),
    Rule("Invoke", app("taken", ["http": ["headers": ["a b": "c"]]]), ["header name 'a b'"]),
    Rule(
      "Invoke", app("taken", ["http": ["headers": ["a": "sesame\r\nx: y"]]]), ["value of header 'a'", "one line"]),
    Rule("GetExecution", ["executionId": "exec_x"], ["execution 'exec_x' does not exist"], code: "NOT_FOUND"),
    Rule("WatchExecution", ["executionId": "exec_x"], ["execution 'exec_x'"], code: "NOT_FOUND"),
    Rule("GetAppLogs", app("none"), ["app 'none'"], code: "NOT_FOUND"),
    Rule("GetAppLogs", app("taken", ["replicaId": "x"]), ["replica_id 'x'"]),
    Rule("GetBuildLog", app("taken", ["buildId": "bld_x"]), ["has no build 'bld_x'"], code: "NOT_FOUND"),
  ]

  @Test("each rule's code and words", arguments: Doors.allCases)
  func rules(_ door: Doors) async throws {
    try await withServer { server, _ in
      for (name, type) in [("of-git", "git"), ("of-registry", "registry")] {
        let value: JSON =
          type == "git"
          ? ["gitSecret": ["username": "u", "token": "sesame"]]
          : ["registrySecret": ["username": "u", "password": "sesame", "serverAddress": "r.example"]]
        let saved = try await server.http(
          "POST", "/v1/ignite/secrets", body: (["name": .string(name), "value": value] as JSON).text,
          token: server.token)
        #expect(saved.status == 200, "\(saved)")
      }
      let made = try await door.call(server, [Doors.Call(rpc: "CreateApp", requests: [Self.named(name: "taken")])])
      try #require(made[0].code == "OK", "\(made)")
      let rules = Self.apps + Self.drafts + Self.calls
      let answers = try await door.call(server, rules.map { Doors.Call(rpc: $0.rpc, requests: [$0.request]) })
      for (rule, answer) in zip(rules, answers) {
        // A path has no empty component, which is another refusal.
        #expect(answer.code == rule.code, "\(rule.rpc) \(rule.request.text): \(answer)")
        for word in rule.words {
          #expect(answer.text.contains(word), "\(rule.rpc) \(rule.request.text): \(answer)")
        }
        #expect(!answer.text.contains("sesame"), "\(rule.rpc): \(answer)")
      }
      // Nothing was made of any of it.
      let left = try await door.call(server, [Doors.Call(rpc: "ListApps", requests: [["organizationName": "dev"]])])
      #expect(left[0].message["apps"].array.compactMap { $0["name"].string } == ["taken"], "\(left)")
    }
  }

  @Test("another organisation's app is nobody's: not to be seen, changed, called or guessed", arguments: Doors.allCases)
  func isolation(_ door: Doors) async throws {
    try await withServer { server, _ in
      let acme = try await server.token(of: "acme")
      let made = try await door.call(
        server,
        [
          Doors.Call(rpc: "CreateApp", requests: [Self.named(name: "mine")]),
          Doors.Call(
            rpc: "SaveDraft", requests: [Self.app("mine", Self.image(["prebuilt": ["imageRef": "nobody/has:this"]]))]),
          Doors.Call(rpc: "CompileDraft", requests: [Self.app("mine")]),
        ])
      try #require(made.allSatisfy { $0.code == "OK" }, "\(made)")
      let deploy = made[2].message["deployId"]
      let requests: [(String, JSON)] = ComputePath.all.keys.sorted().compactMap { rpc in
        switch rpc {
        case "HealthCheck", "StreamCompileLogs", "GetExecution", "WatchExecution": nil
        case "CreateApp": (rpc, Self.named(name: "other"))
        case "ListApps": (rpc, ["organizationName": "dev"])
        case "GetAppVersion", "RollbackApp": (rpc, Self.app("mine", ["version": 1]))
        case "GetBuildLog": (rpc, Self.app("mine", ["buildId": "bld_x"]))
        default: (rpc, Self.app("mine"))
        }
      }
      let denied = try await door.call(
        server, requests.map { Doors.Call(rpc: $0.0, requests: [$0.1], token: acme) })
      for (request, answer) in zip(requests, denied) {
        #expect(answer.code == "PERMISSION_DENIED", "\(request.0): \(answer)")
        #expect(answer.text.contains("organisation 'acme', not of 'dev'"), "\(request.0): \(answer)")
      }
      let own: JSON = ["organizationName": "acme", "appName": "mine"]
      let missing = try await door.call(
        server,
        [
          Doors.Call(rpc: "GetApp", requests: [own], token: acme),
          Doors.Call(rpc: "Invoke", requests: [own], token: acme),
          Doors.Call(rpc: "StreamCompileLogs", requests: [["deployId": deploy]], token: acme),
        ])
      #expect(missing.map(\.code) == ["NOT_FOUND", "NOT_FOUND", "NOT_FOUND"], "\(missing)")
      let nobody = try await door.call(
        server,
        [
          Doors.Call(rpc: "GetApp", requests: [Self.app("mine")], token: ""),
          Doors.Call(rpc: "HealthCheck", token: ""),
        ])
      #expect(nobody.map(\.code) == ["UNAUTHENTICATED", "OK"], "\(nobody)")
      #expect(nobody[1].message["status"] == "ok", "\(nobody)")
    }
  }

  @Test("a token's scopes decide which calls it is good for", arguments: Doors.allCases)
  func scopes(_ door: Doors) async throws {
    try await withServer { server, _ in
      let made = try await door.call(server, [Doors.Call(rpc: "CreateApp", requests: [Self.named(name: "mine")])])
      try #require(made[0].code == "OK", "\(made)")
      let needs: [(rpc: String, scope: String, more: JSON)] = [
        ("CreateApp", "DeployApp", [:]), ("SaveDraft", "DeployApp", [:]), ("CompileDraft", "DeployApp", [:]),
        ("PublishDraft", "DeployApp", [:]), ("TestDraft", "DeployApp", [:]), ("UpdateAppConfig", "DeployApp", [:]),
        ("DeleteApp", "DeployApp", [:]), ("GetApp", "GetApp", [:]), ("GetAppState", "GetApp", [:]),
        ("GetDraftInfo", "GetApp", [:]), ("GetAppLogs", "GetApp", [:]), ("GetAppVersion", "GetApp", ["version": 1]),
        ("ListApps", "ListApps", [:]), ("ListAppVersions", "ListAppVersions", [:]),
        ("RollbackApp", "RollbackApp", ["version": 1]), ("Invoke", "InvokeApp", [:]),
        ("InvokeAsync", "InvokeApp", [:]), ("GetExecution", "GetExecution", [:]),
      ]
      let minted = try await server.kindling(["token", "--scope", "CreateBuild"])
      let token = try #require(minted.lines.first)
      let answers = try await door.call(
        server,
        needs.map { need in
          let request: JSON =
            switch need.rpc {
            case "CreateApp": Self.named(name: "x")
            case "ListApps": ["organizationName": "dev"]
            case "GetExecution": ["executionId": "exec_x"]
            default: Self.app("mine", need.more)
            }
          return Doors.Call(rpc: need.rpc, requests: [request], token: token)
        })
      for (need, answer) in zip(needs, answers) {
        #expect(answer.code == "PERMISSION_DENIED", "\(need.rpc): \(answer)")
        #expect(answer.text.contains("the scope '\(need.scope)'"), "\(need.rpc): \(answer)")
      }
    }
  }
}
