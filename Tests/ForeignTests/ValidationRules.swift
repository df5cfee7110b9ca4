import Foundation
import TestSupport

/// What CreateBuild refuses, by field.
enum CreateBuildRules {
  private typealias Rule = ValidationTests.Rule

  static func fields(_ good: JSON) -> [ValidationTests.Rule] {
    let base: JSON = ["name": "x", "zippedCode": good]
    let rule = { (name: String, field: String, value: JSON, words: [String]) in
      var request = base
      request[field] = value
      return Rule(name, "CreateBuild", [request], words)
    }
    let names: [(String, JSON)] = [
      ("upper case", "No"), ("a slash", "a/b"), ("a blank", "a b"), ("129 long", long(129)), ("a leading dash", "-a"),
      ("a trailing dot", "a."), ("two dots", "a..b"), ("umlaut", "ä"), ("a NUL", "a\u{0}b"), ("a line", "a\nb"),
      ("a point", "."), ("a tag", "a:b"),
    ]
    let paths: [(String, JSON)] = [
      ("above", "../Dockerfile"), ("above in between", "a/../../b"), ("absolute", "/etc/passwd"), ("a NUL", "a\u{0}b"),
      ("a line", "a\nb"), ("the root", "."), ("the root again", "./"), ("a folder", "docker/"), ("long", long(4097)),
    ]
    let tags: [(String, JSON)] = [
      ("empty", ""), ("a blank", "not ok"), ("a leading point", ".a"), ("a leading dash", "-a"), ("a slash", "a/b"),
      ("a colon", "a:b"), ("129 long", long(129)), ("umlaut", "ä"), ("a NUL", "a\u{0}"),
    ]
    let arguments: [(String, String)] = [
      ("empty", ""), ("an equals sign", "A=B"), ("a blank", "A B"), ("a line", "A\nB"), ("a NUL", "A\u{0}"),
      ("256 long", String(repeating: "A", count: 256)),
    ]
    var rules = [rule("no name", "name", "", ["the build has no name", "ORGANISATION/NAME:TAG"])]
    rules += names.map { rule("name: \($0.0)", "name", $0.1, ["build name '", "1 to 128 lower-case"]) }
    rules += paths.map { rule("dockerfile: \($0.0)", "dockerfile", $0.1, ["dockerfile path '", "relative to"]) }
    rules += tags.map { rule("tag: \($0.0)", "tags", ["ok", $0.1], ["is not a valid image tag", "1 to 128"]) }
    rules.append(
      rule("too many tags", "tags", .array((0..<129).map { .string("t\($0)") }), ["129 tags", "at most 128"]))
    rules += arguments.map { name, key in
      rule("argument: \(name)", "buildArgs", .object([key: "v"]), ["build argument name '", "1 to 255"])
    }
    rules.append(
      rule("argument: a NUL in its value", "buildArgs", ["A": "v\u{0}"], ["build argument 'A'", "NUL", "context"]))
    for (name, platform) in [("no pair", "toaster"), ("half", "linux/"), ("nothing", "/")] as [(String, JSON)] {
      rules.append(rule("platform: \(name)", "platform", platform, ["os/architecture", "linux/amd64"]))
    }
    for (name, platform) in [("another", "linux/s390x"), ("Windows", "windows/amd64")] as [(String, JSON)] {
      rules.append(rule("platform: \(name)", "platform", platform, ["this machine builds", "nothing is emulated"]))
    }
    for member in ["registry", "repository"] {
      rules.append(rule("\(member): long", member, long(256), ["\(member) '", "255 bytes"]))
      rules.append(rule("\(member): a line", member, "a\nb", ["\(member) 'ab'", "control characters"]))
    }
    return rules
  }

  static func sources(_ good: JSON, theirs: JSON, expired: JSON) -> [ValidationTests.Rule] {
    var rules = [
      Rule("no source", "CreateBuild", [["name": "x"]], ["no source", "exactly one of"]),
      Rule("an empty archive", "CreateBuild", [["name": "x", "zippedCode": ""]], ["is empty", "tar.gz or zip"]),
      Rule(
        "an archive of 4 MiB", "CreateBuild",
        [["name": "x", "zippedCode": .string(Data(repeating: 7, count: 4 << 20).base64EncodedString())]],
        ["4194304 bytes", "under 4 MiB", "UploadBuildContext"]),
    ]
    let contexts: [(String, JSON)] = [
      ("empty", ""), ("a word", "x"), ("a path", "../../key"), ("unknown", "ctx_01HZX9ABCDEFGHJKMNPQRSTVWX"),
      ("lower case", "ctx_01hzx9abcdefghjkmnpqrstvwx"), ("a build's", "bld_01HZX9ABCDEFGHJKMNPQRSTVWX"),
      ("a NUL", "ctx_\u{0}"), ("another organisation's", theirs), ("expired", expired),
    ]
    rules += contexts.map {
      Rule(
        "context: \($0.0)", "CreateBuild", [["name": "x", "contextId": $0.1]],
        ["does not exist or has expired", "kindling build upload"], code: "NOT_FOUND")
    }
    let git: [(String, JSON, [String])] = [
      ("no url", ["reference": "main"], ["git_source has no url", "https://"]),
      ("a password", ["url": "https://u:sesame@git.example/x.git"], ["SaveBuildSecrets git_credentials"]),
      ("a token", ["url": "https://sesame@git.example/x.git"], ["SaveBuildSecrets git_credentials"]),
      ("a file", ["url": "file:///srv/x.git"], ["'/srv/x.git'", "--allow-git local"]),
      ("a path", ["url": "/srv/x.git"], ["--allow-git local"]),
      ("ssh", ["url": "ssh://git@git.example/x.git"], ["--allow-git ssh"]),
      ("ssh as scp writes it", ["url": "git@git.example:x.git"], ["--allow-git ssh"]),
      ("a command", ["url": "ext::sh -c id"], ["ext"]), ("no host", ["url": "https://"], ["https"]),
      ("a NUL", ["url": "https://git.example/x\u{0}.git"], []),
      ("a line", ["url": "https://git.example/x\n.git"], []),
      ("reference: two points", ["url": "https://g.example/x.git", "reference": "a..b"], ["'a..b'", "branch"]),
      ("reference: a blank", ["url": "https://g.example/x.git", "reference": "a b"], ["'a b'", "branch"]),
      ("reference: an option", ["url": "https://g.example/x.git", "reference": "--upload-pack=id"], ["branch"]),
      ("reference: a NUL", ["url": "https://g.example/x.git", "reference": "a\u{0}b"], ["branch"]),
      ("context_dir: above", ["url": "https://g.example/x.git", "contextDir": "../x"], ["'../x'", "relative"]),
      ("context_dir: absolute", ["url": "https://g.example/x.git", "contextDir": "/x"], ["'/x'", "relative"]),
      ("context_dir: a line", ["url": "https://g.example/x.git", "contextDir": "a\nb"], ["relative"]),
      ("said twice", ["url": "https://g.example/x.git#v1", "reference": "v2"], ["'v2'", "'v1'", "once"]),
    ]
    return rules
      + git.map { Rule("git: \($0.0)", "CreateBuild", [["name": "x", "gitSource": $0.1]], $0.2) }
  }

  /// Requests at the borders, which are all taken.
  static func taken(_ good: JSON) -> [JSON] {
    let base: JSON = ["name": "x", "zippedCode": good]
    let with = { (field: String, value: JSON) in
      var request = base
      request[field] = value
      return request
    }
    return [
      with("name", long(128)), with("name", "a-b_c.d--e__f"), with("tags", [long(128), "A_b.C-1", "a", "a"]),
      with("tags", []), with("dockerfile", "./Dockerfile"), with("timeoutSecs", "18446744073709551615"),
      with("buildArgs", ["a.b-c": "ü\n", "EMPTY": ""]), with("registry", "other.example"), with("noCache", true),
      with("buildTier", "anything"),
    ]
  }

  private static func long(_ count: Int) -> JSON { .string(String(repeating: "a", count: count)) }
}

/// What the other RPCs refuse.
enum OtherRules {
  private typealias Rule = ValidationTests.Rule

  static var identifiers: [ValidationTests.Rule] {
    let ids = [
      "x", "bld_", "bld_01HZX9ABCDEFGHJKMNPQRSTVWX", "../../key", "bld_\u{0}", "a\nb", "ctx_01HZX9ABCDEFGHJKMNPQRSTVWX",
    ]
    return ["GetBuild", "StreamBuildLogs", "CancelBuild"].flatMap { rpc in
      ids.map {
        Rule("id \($0)", rpc, [["buildId": .string($0)]], ["does not exist", "kindling build list"], code: "NOT_FOUND")
      }
    }
  }

  static var lists: [ValidationTests.Rule] {
    [
      Rule("a cursor of nobody's", "ListBuilds", [["cursor": "x"]], ["cursor 'x'", "leave it out"]),
      Rule("a build's id as cursor", "ListBuilds", [["cursor": "bld_01HZX9ABCDEFGHJKMNPQRSTVWX"]], ["leave it out"]),
      Rule("a context's cursor", "ListBuilds", [["cursor": "ctx_01HZX9ABCDEFGHJKMNPQRSTVWX"]], ["leave it out"]),
      Rule("a cursor of two lines", "ListBuilds", [["cursor": "a\nb"]], ["leave it out"]),
      Rule("an unknown status", "ListBuilds", [["status": 99]], ["99", "BUILD_STATUS_PENDING"]),
      Rule("a negative status", "ListBuilds", [["status": -1]], ["-1", "BUILD_STATUS_PENDING"]),
    ]
  }

  static var secrets: [ValidationTests.Rule] {
    let registries: [(String, String, String, [String])] = [
      ("no host", "", "u:sesame", ["names no registry", "ghcr.io"]),
      ("a scheme alone", "https://", "u:sesame", ["names no registry", "ghcr.io"]),
      ("a blank", "a b", "u:sesame", ["'a b'", "ghcr.io"]), ("a line", "a\nb", "u:sesame", ["ghcr.io"]),
      ("no value", "ghcr.io", "", ["'ghcr.io'", "username"]),
      ("no colon", "ghcr.io", "sesame!", ["'ghcr.io'", "USER:TOKEN"]),
      ("base 64 of no pair", "ghcr.io", "c2VzYW1l", ["'ghcr.io'", "USER:TOKEN"]),
      ("an empty object", "ghcr.io", "{}", ["'ghcr.io'", "username"]),
      ("half an object", "ghcr.io", #"{"username":"sesame"}"#, ["'ghcr.io'", "password"]),
      ("a broken object", "ghcr.io", #"{"username":"sesame""#, ["'ghcr.io'", "password"]),
    ]
    let git: [(String, JSON)] = [
      ("no password", ["username": "sesame"]), ("a line", ["username": "u", "password": "sesame\n"]),
      ("a NUL", ["username": "u", "password": "sesame\u{0}"]), ("a colon", ["username": "u:v", "password": "sesame"]),
    ]
    return registries.map {
      Rule("registry: \($0.0)", "SaveBuildSecrets", [["registryCredentials": .object([$0.1: .string($0.2)])]], $0.3)
    }
      + git.map { Rule("git: \($0.0)", "SaveBuildSecrets", [["gitCredentials": $0.1]], ["git_credentials"]) }
      + ["", "A=B", "A B", "A\nB"].map {
        Rule("secret '\($0)'", "SaveBuildSecrets", [["buildSecrets": .object([$0: "sesame"])]], ["1 to 255"])
      }
      // A group that is wrong keeps the others from being saved too.
      + [
        Rule(
          "one of three", "SaveBuildSecrets",
          [
            [
              "registryCredentials": ["ghcr.io": "u:sesame"], "gitCredentials": ["username": "u"],
              "buildSecrets": ["A": "b"],
            ]
          ],
          ["git_credentials has no password"])
      ]
  }

  /// gRPC alone has these.
  static var uploads: [ValidationTests.Rule] {
    let long = JSON.string(String(repeating: "a", count: 256))
    let chunk: JSON = ["chunk": "AAAA"]
    let orders: [(String, [JSON], [String])] = [
      ("no message", [], ["metadata"]), ("a chunk first", [chunk], ["first message is not metadata"]),
      ("metadata twice", [["metadata": ["name": "x"]], ["metadata": ["name": "x"]]], ["a second time"]),
      ("metadata at the end", [["metadata": ["name": "x"]], chunk, ["metadata": ["name": "x"]]], ["a second time"]),
      ("an empty message", [["metadata": ["name": "x"]], [:]], ["neither metadata nor chunk"]),
      ("no name", [["metadata": ["contentType": "application/gzip"]], chunk], ["no name", "metadata.name"]),
      ("a long name", [["metadata": ["name": long]], chunk], ["longer than 255"]),
      ("a long type", [["metadata": ["name": "x", "contentType": long]], chunk], ["content_type", "255"]),
      ("no bytes", [["metadata": ["name": "x"]]], ["no bytes", "chunk"]),
      ("an empty chunk", [["metadata": ["name": "x"]], ["chunk": ""]], ["no bytes", "chunk"]),
      ("more than expected", [["metadata": ["name": "x", "expectedSizeBytes": "2"]], chunk], ["expected_size_bytes"]),
      ("less than expected", [["metadata": ["name": "x", "expectedSizeBytes": "4"]], chunk], ["3 bytes", "says 4"]),
    ]
    let endless = Rule(
      "more than there can be", "UploadBuildContext",
      [["metadata": ["name": "x", "expectedSizeBytes": "18446744073709551615"]], chunk], ["--context-quota"],
      code: "RESOURCE_EXHAUSTED")
    return orders.map { Rule($0.0, "UploadBuildContext", $0.1, $0.2) } + [endless]
  }
}

/// Bodies and queries in their own spelling.
enum JSONRules {
  static func bodies(_ good: String) -> [(name: String, body: String, words: [String])] {
    let rest = "\"zippedCode\":\(good)"
    return [
      ("nothing", "", ["no name"]), ("an empty object", "{}", ["no name"]), ("null", "null", ["not a JSON object"]),
      ("a list", "[]", ["not a JSON object"]), ("a text", "\"x\"", ["not a JSON object"]),
      ("a form", "name=x", ["line 1, column 1"]), ("an open end", "{\"name\":\"x\"", ["not JSON", "column 12"]),
      ("a comma too many", "{\"name\":\"x\",}", ["line 1, column 13"]), ("two values", "{} {}", ["not JSON"]),
      ("an unknown member", "{\"name\":\"x\",\(rest),\"tag\":\"v1\"}", ["'tag'", "CreateBuildRequest", "tags"]),
      (
        "an unknown member below", #"{"name":"x","gitSource":{"url":"https://g.example/x","ref":"v1"}}"#,
        ["'ref'", "GitSource", "reference"]
      ),
      ("two sources", "{\"name\":\"x\",\(rest),\"contextId\":\"c\"}", ["'zippedCode' and 'contextId'", "exactly one"]),
      (
        "two sources again", #"{"name":"x","git_source":{"url":"u"},"contextId":"c"}"#,
        ["'gitSource' and 'contextId'", "exactly one"]
      ),
      ("a number as name", "{\"name\":7,\(rest)}", ["'name'", "a string"]),
      ("a text as list", "{\"name\":\"x\",\(rest),\"tags\":\"v1\"}", ["'tags'"]),
      ("a list of numbers", "{\"name\":\"x\",\(rest),\"tags\":[1]}", ["'tags'"]),
      ("a map of numbers", "{\"name\":\"x\",\(rest),\"buildArgs\":{\"A\":1}}", ["'buildArgs'"]),
      ("a list as map", "{\"name\":\"x\",\(rest),\"buildArgs\":[]}", ["'buildArgs'"]),
      ("a text as flag", "{\"name\":\"x\",\(rest),\"noCache\":\"yes\"}", ["'noCache'", "true or false"]),
      ("a number as flag", "{\"name\":\"x\",\(rest),\"noCache\":1}", ["'noCache'", "true or false"]),
      ("a word as number", "{\"name\":\"x\",\(rest),\"timeoutSecs\":\"soon\"}", ["'timeoutSecs'", "whole number"]),
      ("a negative number", "{\"name\":\"x\",\(rest),\"timeoutSecs\":-1}", ["'timeoutSecs'"]),
      ("a part of one", "{\"name\":\"x\",\(rest),\"timeoutSecs\":1.5}", ["'timeoutSecs'"]),
      ("65 bits", "{\"name\":\"x\",\(rest),\"timeoutSecs\":\"18446744073709551616\"}", ["'timeoutSecs'"]),
      ("no base 64", #"{"name":"x","zippedCode":"%%%"}"#, ["'zippedCode'"]),
      ("bytes as list", #"{"name":"x","zippedCode":[1,2]}"#, ["'zippedCode'"]),
      ("a text as message", #"{"name":"x","gitSource":"https://g.example/x"}"#, ["'gitSource'"]),
      ("half a surrogate", "{\"name\":\"\\ud800\",\(rest)}", ["'name'"]),
      ("a raw control", "{\"name\":\"a\u{1}\",\(rest)}", []),
      ("a deep nest", String(repeating: "[", count: 100_000), ["not JSON"]),
      (
        "9 MiB", "{\"zippedCode\":\"" + String(repeating: "A", count: 9 << 20) + "\"}", ["8 MiB", "UploadBuildContext"]
      ),
    ]
  }

  static let queries: [(String, [String])] = [
    ("colour=red", ["'colour'", "status, limit, cursor"]), ("status=sleeping", ["'sleeping'", "pending"]),
    ("limit=x", ["'limit'", "'x'", "whole number"]), ("limit=", ["'limit'", "whole number"]),
    ("limit=-1", ["ListBuildsRequest"]), ("limit=4294967296", ["ListBuildsRequest"]),
    ("limit=1-1", ["ListBuildsRequest"]),
    ("status=99", ["99"]), ("cursor=%00", ["leave it out"]), ("cursor=x", ["'x'", "leave it out"]),
  ]

  /// The forms that pbjson takes (contract §3.2).
  static func taken(_ good: String) -> [String] {
    let plain = good.dropFirst().dropLast().filter { $0 != "\\" }
    let url = plain.replacing("+", with: "-").replacing("/", with: "_")
    let bare = url.replacing("=", with: "")
    return [
      "{\"name\":\"x\",\"zippedCode\":\"\(plain)\",\"timeoutSecs\":90,\"noCache\":false,\"buildTier\":null}",
      "{\"name\":\"x\",\"zipped_code\":\"\(url)\",\"timeout_secs\":\"90\",\"build_args\":{\"A\":\"b\"}}",
      " {\n\"name\" : \"\\u0078\", \"zippedCode\":\"\(bare)\", \"tags\": [ ] , \"timeoutSecs\": 9e1 }\n",
    ]
  }
}
