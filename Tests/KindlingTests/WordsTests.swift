import API
import ArgumentParser
import Diagnostics
import Testing

@testable import kindling

@Suite("What was typed")
struct WordsTests {
  @Test(
    "is brought into the order the parser wants",
    arguments: [
      ("build list", "build list"), ("ignite build list", "build list"),
      ("--debug ignite --token x build list", "build list --debug --token x"),
      ("-o json build list --limit 3", "build list -o json --limit 3"),
      ("build -o json get ^0", "build get -o json ^0"), ("build get -o json ^0", "build get -o json ^0"),
      ("--output=json build get ^0", "build get --output=json ^0"), ("build .", "build path ."),
      ("build --no-cache ./app", "build path --no-cache ./app"),
      ("build https://x/y.git#v1", "build path https://x/y.git#v1"),
      ("build -t v1 .", "build path -t v1 ."), ("-o json build .", "build path -o json ."), ("build", "build"),
      ("build --help", "build --help"), ("build . --help", "build path . --help"), ("--version", "--version"),
      ("help build", "help build"), ("", ""), ("build create app --context .", "build create app --context ."),
      ("image import x -", "image import x -"), ("build frob", "build path frob"),
    ]
  )
  func prepared(typed: String, expected: String) throws {
    let words = typed.split(separator: " ").map(String.init)
    #expect(try Words.prepared(words, root: Kindling.self).joined(separator: " ") == expected)
  }

  @Test(
    "a command that does not exist is refused with the nearest one",
    arguments: [("buidl", "build"), ("staus", "status"), ("Token", "token")]
  )
  func unknown(word: String, nearest: String) {
    let failure = #expect(throws: Failure.self) { try Words.prepared([word], root: Kindling.self) }
    #expect(failure?.reason == "command-unknown")
    #expect(failure?.hint == "did you mean '\(nearest)'?")
  }

  @Test(
    "is understood, or refused with the contract's exit status",
    arguments: [
      ("build create app", false), ("build create app --context . --git-url x", false),
      ("build create app --context . --git-ref main", false), ("build create app --context-id ctx_1", true),
      ("build create app --git-url x --git-ref v1 --git-dir web", true), ("build list --limit 0", false),
      ("build list --limit 201", false), ("build list --status nope", false),
      ("build list --status BUILD_STATUS_FAILED", true),
      ("build get", false), ("build get ^0 -o yaml", false), ("build get ^0 --frob", false),
      (
        "build create app --context . -t a --tag b --build-arg A=1 --build-arg B --platform linux/amd64 --no-cache --build-timeout 1h --follow",
        true
      ),
      ("build create app --context . --build-arg =x", false), ("build create app --context . --build-timeout 0", false),
      ("build upload --folder . --name app --build", true), ("build upload --folder .", false),
      ("token --expires 1x", false),
      ("build list --config x", false),
    ]
  )
  func parsed(typed: String, isGood: Bool) throws {
    let words = try Words.prepared(typed.split(separator: " ").map(String.init), root: Kindling.self)
    do {
      _ = try Kindling.parseAsRoot(words)
      #expect(isGood)
    } catch {
      #expect(!isGood, "\(Kindling.message(for: error))")
      #expect(Kindling.exitCode(for: error) == .validationFailure)
    }
  }
}

@Suite("Arguments")
struct ArgumentTests {
  @Test(
    "times are read with their units",
    arguments: [
      ("90", 90), ("90s", 90), ("5m", 300), ("1h", 3600), ("30d", 2_592_000), ("0", nil), ("", nil), ("h", nil),
      ("-5", nil),
      ("1.5h", nil), ("99999999999999999999", nil), ("9999999999d", nil), ("٣s", nil),
    ] as [(String, UInt64?)]
  )
  func times(text: String, seconds: UInt64?) { #expect(TimeSpan(argument: text)?.seconds == seconds) }

  @Test(
    "a default time prints in its largest unit",
    arguments: [(90, "90s"), (300, "5m"), (7200, "2h"), (2_592_000, "30d")] as [(UInt64, String)]
  )
  func defaults(seconds: UInt64, text: String) { #expect(TimeSpan(seconds: seconds).defaultValueDescription == text) }

  @Test("build arguments may hold '=', and come from the environment when they have no value")
  func buildArguments() throws {
    let options = try BuildOptions.parse([
      "--build-arg", "A=1=2", "--build-arg", "B", "--build-arg", "C", "--build-arg", "D=",
    ])
    #expect(options.arguments(["B": "b"]) == ["A": "1=2", "B": "b", "D": ""])
    let request = options.request(name: "app", environment: [:])
    #expect(request.dockerfile == "Dockerfile" && request.tags.isEmpty && request.timeoutSecs == 0)
  }

  @Test(
    "an endpoint is host and port",
    arguments: [
      ("localhost:4480", "localhost", 4480), ("127.0.0.1", "127.0.0.1", 4480), ("http://h:1/", "h", 1),
      ("[::1]:50051", "::1", 50051),
      ("[::1]", "::1", 4480), ("HTTP://h", "h", 4480),
    ]
  )
  func endpoint(text: String, host: String, port: Int) throws {
    #expect(try Endpoint(text) == Endpoint(host: host, port: port))
  }

  @Test(
    "anything else is refused",
    arguments: [
      "", ":80", "h:", "h:0", "h:65536", "h:x", "a b", "h/path", "http://u@h", "[::1", "[::1]x", "::1", "https://h",
    ]
  )
  func badEndpoint(text: String) {
    let failure = #expect(throws: Failure.self) { try Endpoint(text) }
    #expect(failure?.hint != nil)
  }

  @Test(
    "a place to build from names the image",
    arguments: [
      (".", "app"), ("./api", "api"), ("/src/My App_2/", "my-app-2"), ("..", "src"),
      ("https://git.example/acme/Web.git#v1:sub", "web"),
      ("https://git.example/acme/tool/", "tool"),
    ]
  )
  func targetName(text: String, name: String) throws {
    #expect(try BuildTarget(text).name(workingDirectory: "/src/app") == name)
  }

  @Test("a git address carries reference and directory")
  func git() throws {
    #expect(
      try BuildTarget("https://h/r.git#v1:web") == .git(url: "https://h/r.git", reference: "v1", directory: "web")
    )
    #expect(try BuildTarget("https://h/r.git") == .git(url: "https://h/r.git", reference: "", directory: ""))
  }

  @Test("a word that is no place is refused with what was meant", arguments: [("lsit", "list"), ("log", "logs")])
  func noPlace(text: String, meant: String) {
    let failure = #expect(throws: Failure.self) { try BuildTarget(text) }
    #expect(failure?.reason == "build-unknown")
    #expect(failure?.hint?.contains("kindling build \(meant)") == true)
  }

  @Test(
    "a build is named by id, beginning or count",
    arguments: [
      ("^", .recent(0)), ("^0", .recent(0)), ("^12", .recent(12)), ("bld_01J9", .prefix("bld_01J9")),
      ("01j9", .prefix("bld_01J9")),
      ("bld_01J9ZK3V7Q0000000000000000", .exact("bld_01J9ZK3V7Q0000000000000000")),
    ] as [(String, BuildLookup.Name)]
  )
  func names(text: String, name: BuildLookup.Name) throws { #expect(try BuildLookup.name(text) == name) }

  @Test(
    "anything else names no build",
    arguments: ["", "bld_", "^x", "^-1", "^99999", "a/b", "bld_01J9ZK3V7Q00000000000000001", "ä"]
  )
  func noNames(text: String) { #expect(throws: Failure.self) { try BuildLookup.name(text) } }
}
