import Diagnostics
import Dockerfile
import Foundation
import OCI
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Builder

/// The base images the plans know.
struct FakeBases: BaseImageSource {
  func image(
    _ reference: String, platform: Platform, for organization: OrganizationName
  ) async throws(Failure) -> BaseImage {
    var container = ImageConfig.Container()
    container.env = ["PATH=/bin"]
    container.cmd = ["/bin/sh"]
    switch reference {
    case "busybox", "busybox:latest", "0x/base:1": break
    case "entry":
      container.entrypoint = ["/base-entrypoint"]
      container.cmd = ["base", "cmd"]
      container.env = ["LANG=C"]
      container.workingDir = "/base"
    case "onbuild": container.onBuild = ["ENV FROM_TRIGGER=1", "COPY . /app"]
    default: throw Failure(.notFound, reason: "base-image-unknown", "no '\(reference)'")
    }
    var config = ImageConfig(platform: platform)
    config.config = container
    return BaseImage(
      reference: reference, manifest: Digest(sha256Of: Array(reference.utf8)), mediaType: .ociManifest, config: config,
      layers: [])
  }
}

func plan(
  _ text: String, arguments: [String: String] = [:], target: String? = nil, contexts: [String: NamedContext] = [:]
) async throws -> BuildPlan {
  var order = try order(arguments, target: target)
  order.namedContexts = contexts
  var planner = Planner(
    dockerfile: try DockerfileParser.parse(text, file: "Dockerfile"), order: order, bases: FakeBases())
  return try await planner.plan()
}

private func order(_ arguments: [String: String], target: String? = nil) throws -> BuildOrder {
  BuildOrder(
    workName: "test", source: .archive("/nowhere"), dockerfile: "Dockerfile", buildArgs: arguments, target: target,
    platform: try #require(Platform("linux/amd64")), noCache: false, organization: try OrganizationName("dev"))
}

@Suite("Plans")
struct PlanTests {
  /// Build arguments of the cases that are given some.
  static let arguments: [String: [String: String]] = [
    "arguments": ["GIVEN": "from outside", "NOBODY": "1", "OTHER": "2"],
    "proxies": ["HTTP_PROXY": "http://proxy", "https_proxy": "http://other"],
  ]
  /// Named contexts of the cases that have some.
  static let contexts: [String: [String: NamedContext]] = [
    "named-contexts": [
      "Root": .files(.directory("/nowhere")), "docker.io/library/busybox:latest": .image("entry"),
      "files": .files(.archive("/nowhere.tar")), "repo": .git("https://git.example/acme/app.git#v1:sub"),
      "made": .files(.directory("/nowhere")),
    ]
  ]
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")
  static let cases = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()

  @Test("are what the golden files say; KINDLING_GOLDEN=write rewrites them", arguments: cases)
  func golden(name: String) async throws {
    let folder = Self.folder.appendingPathComponent(name)
    let dockerfile = try String(contentsOf: folder.appendingPathComponent("Dockerfile"), encoding: .utf8)
    let plan = try await plan(
      dockerfile, arguments: Self.arguments[name] ?? [:], contexts: Self.contexts[name] ?? [:])
    let text = plan.text
    try Golden.expect(text, at: folder.appendingPathComponent("plan.txt"))
  }

  @Test(
    "warn of what checks find with values and files at hand",
    arguments: [
      ("FROM busybox\nENV A=$PAHT\n", ["UndefinedVar: variable '$PAHT' is not defined; did you mean '$PATH'? (2)"]),
      ("FROM busybox\nARG foo\nCOPY $foo /\n", []),
      ("FROM busybox AS a\nARG foo\nFROM a\nCOPY $foo /\n", []),
      ("FROM busybox\nWORKDIR ${here:-/x}\n", []),
      ("FROM busybox\nEXPOSE $PORT 80\n", ["UndefinedVar: variable '$PORT' is not defined (2)"]),
      ("# check=skip=UndefinedVar\nFROM busybox\nUSER $WHO\n", []),
      (
        "ARG TAG\nFROM busybox${TAG}\nFROM ${TAG}busybox:${TAG:-latest}\n", []
      ),
      (
        "ARG NAME=busybox\nARG TAG=latest\nFROM $NAME:$TAG\nFROM ${NAME}:${TAG}\nCOPY gone here /\n",
        ["CopyIgnoredFile: 'gone' is taken out of the context by .dockerignore (5)"]
      ),
    ])
  func valueChecks(text: String, expected: [String]) async throws {
    var planner = Planner(
      dockerfile: try DockerfileParser.parse(text, file: "Dockerfile"), order: try order([:]), bases: FakeBases())
    let plan = try await planner.plan { $0 == "gone" }
    #expect(plan.warnings.map { "\($0.line) (\($0.source?.firstLine ?? 0))" } == expected)
  }

  @Test("expose the port alone where somebody wrote a mapping")
  func mapping() async throws {
    let plan = try await plan("FROM busybox\nEXPOSE 127.0.0.1:81:80 82:83/udp\n")
    #expect(plan.stages.last?.config.config?.exposedPorts?.keys.sorted() == ["80/tcp", "83/udp"])
  }

  @Test("warn of a base name that is none without build arguments")
  func defaultsInFrom() async throws {
    let plan = try await plan("ARG TAG\nFROM busybox:${TAG}\n", arguments: ["TAG": "latest"])
    #expect(plan.warnings.map(\.check) == [.invalidDefaultArgInFrom])
  }

  @Test("fail on findings where error=true, by directive or by build argument")
  func checksAsErrors() async throws {
    let text = "# check=error=true\nFROM busybox\nMAINTAINER me\n"
    let parsed = try DockerfileParser.parse(text, file: "Dockerfile")
    let warnings = try await plan(text).warnings
    let failure = #expect(throws: Failure.self) {
      try CheckChoice(parsed, arguments: [:]).enforce(warnings)
    }
    #expect(failure?.reason == "build-checks-failed")
    #expect(failure?.source?.firstLine == 3)
    try CheckChoice(parsed, arguments: ["BUILDKIT_DOCKERFILE_CHECK": "error=false"]).enforce(warnings)
  }

  @Test("there are cases at all")
  func thereAreCases() { #expect(Self.cases.count > 10) }

  @Test(
    "fail with a reason and the lines it is about",
    arguments: [
      ("FROM nowhere\nRUN x\n", "base-image-unknown", 1),
      ("FROM busybox\nRUN x\nCOPY --from=nowhere /a /b\n", "base-image-unknown", 3),
      ("FROM busybox\nRUN --mount=target=/x/.. x\n", "mount-target-root", 2),
      ("FROM busybox\nRUN --mount=target=/x,from=nowhere x\n", "base-image-unknown", 2),
      ("FROM busybox\nRUN --mount=target=/x,from=a$B x\n", "dockerfile-syntax", 2),
      ("FROM busybox\nARG S=huge\nRUN --mount=type=tmpfs,target=/x,size=$S x\n", "dockerfile-syntax", 3),
      ("FROM busybox\n\nRUN --security=insecure \\\n x\n", "run-insecure-not-allowed", 3),
      ("FROM busybox\nRUN --device=a x\n", "run-device-unsupported", 2),
      ("FROM busybox\nEXPOSE http\n", "expose-invalid", 2),
      ("FROM busybox AS a\nCOPY --from=b /x /x\nFROM busybox AS b\nCOPY --from=a /x /x\n", "stages-circular", 1),
      ("FROM busybox AS a\nCOPY --from=a /x /x\n", "stages-circular", 1),
      ("FROM busybox\nEXPOSE 9-8\n", "expose-invalid", 2),
      ("FROM busybox\nSTOPSIGNAL SIGTREM\n", "stop-signal-unknown", 2),
      ("FROM busybox\nARG S=0\nSTOPSIGNAL $S\n", "stop-signal-unknown", 3),
      ("FROM busybox\nSTOPSIGNAL SIGRTMIN+16\n", "stop-signal-unknown", 2),
      ("FROM busybox\nCOPY --chmod=rwx a /\n", "chmod-invalid", 2),
      ("FROM --platform=linux/a/b/c busybox\n", "platform-invalid", 1),
      ("ARG P\nFROM --platform=$P busybox\n", "platform-invalid", 2),
      ("FROM busybox\nADD --checksum=sha256:\(String(repeating: "0", count: 64)) a /\n", "checksum-not-remote", 2),
      ("FROM busybox\nADD --checksum=sha256:00 https://example.org/x /\n", "digest-invalid", 2),
      ("FROM busybox\nADD --checksum=sha256:00 https://example.org/x.git /\n", "checksum-invalid", 2),
      ("FROM busybox\nCOPY https://example.org/x /\n", "copy-remote-source", 2),
      ("FROM busybox\nCOPY a b /c\n", "copy-destination-not-directory", 2),
      ("FROM busybox\nCOPY --chmod=9 a /\n", "chmod-invalid", 2),
      ("FROM busybox\nCOPY --chmod=u+rw, a /\n", "chmod-invalid", 2),
      ("FROM busybox\nCOPY --from=scratch a /\n", "copy-from-scratch", 2),
      ("ARG BASE\nFROM $BASE\n", "base-image-empty", 2),
      ("FROM busybox\nENV A=\"${B:?must be given}\"\n", "variable-required", 2),
    ])
  func failures(text: String, reason: String, line: Int) async throws {
    let failure = try #require(await #expect(throws: Failure.self) { _ = try await plan(text) })
    #expect(failure.reason == reason)
    #expect(failure.source?.firstLine == line)
  }

  @Test("of a target hold only what it needs")
  func target() async throws {
    let text = "FROM busybox AS a\nFROM busybox AS B\nRUN b\nFROM a\nRUN last\n"
    #expect(try await plan(text, target: "b").stages.map(\.title) == ["B"])
    #expect(try await plan(text, target: "0").stages.map(\.title) == ["a"])
    #expect(try await plan(text).stages.map(\.title) == ["a", "stage-2"])
    let failure = try #require(await #expect(throws: Failure.self) { _ = try await plan(text, target: "c") })
    #expect(failure.reason == "target-unknown")
    #expect(failure.hint == "stages there: a, B, 2")
  }

  @Test("take named contexts for images and stages, before stages of that name")
  func namedContexts() async throws {
    let text = "FROM nowhere AS a\nFROM busybox AS b\nRUN b\nFROM other AS c\nCOPY --from=a /x /\nCOPY --from=B /y /\n"
    let plan = try await plan(
      text, contexts: ["a": .image("busybox"), "Other": .image("entry"), "b": .stage("b")])
    #expect(plan.stages.map(\.title) == ["b", "c"])
    #expect(plan.text.contains("from image entry"))
    #expect(plan.text.contains("copy from image busybox to /"))
    #expect(plan.text.contains("copy from stage 1 to /"))
  }

  @Test(
    "take the platform that FROM names, as containerd writes it",
    arguments: [
      ("$TARGETPLATFORM", "linux/amd64"), ("linux/$TARGETARCH", "linux/amd64"), ("linux/arm64/v8", "linux/arm64"),
      ("arm", "linux/arm/v7"), ("$BUILDPLATFORM", Platform.host.description),
    ])
  func platforms(word: String, platform: String) async throws {
    let plan = try await plan("FROM --platform=\(word) busybox AS a\nFROM --platform=linux/s390x a\nRUN b\n")
    // BuildKit: a stage stays what the one it begins from is for.
    #expect(plan.stages.map(\.platform.description) == [platform, platform])
    #expect(plan.stages.last?.config.platform.description == platform)
  }

  @Test("say which image they stand on, through other stages")
  func base() async throws {
    #expect(try await plan("FROM entry AS a\nFROM a AS b\nFROM b\n").base?.reference == "entry")
    #expect(try await plan("FROM entry AS a\nFROM scratch\nCOPY --from=a /x /\n").base == nil)
  }

  @Test(
    "know every signal STOPSIGNAL may name",
    arguments: ["SIGTERM", "quit", "9", "64", "RTMIN", "sigrtmin+15", "RTMAX-14", "SIGWINCH"])
  func signals(word: String) async throws {
    let plan = try await plan("FROM busybox\nSTOPSIGNAL \(word)\n")
    #expect(plan.stages.last?.config.config?.stopSignal == word)
  }

  @Test("know arguments nobody declares, which build arguments override, and ask for no ARG of the build's own ones")
  func builtInArguments() async throws {
    let text =
      "ARG TARGETSTAGE\nFROM busybox AS default\nARG TARGETSTAGE\nARG TARGETARCH\nLABEL s=$TARGETSTAGE a=$TARGETARCH\n"
    let labels = try await plan(text).stages.last?.config.config?.labels
    #expect(labels == ["s": "default", "a": "amd64"])
    let given = [
      "TARGETARCH": "z80", "SOURCE_DATE_EPOCH": "1", "BUILDKIT_INLINE_CACHE": "1", "HTTP_PROXY": "x",
      "TARGETOS": "plan9",
    ]
    let other = try await plan(text, arguments: given, target: "default")
    #expect(other.stages.last?.config.config?.labels == ["s": "default", "a": "z80"])
    #expect(other.warnings.isEmpty, "\(other.warnings)")
    #expect(try await plan("FROM busybox\n", arguments: ["OTHER": "1"]).warnings.count == 1)
  }

  @Test("take a value that begins with a combining mark, and names that are not ASCII")
  func unicode() async throws {
    let plan = try await plan("FROM busybox\nENV é=accent A=\u{301}x\nENV C=$A\nENV A=new\nLABEL c=$C\n")
    #expect(plan.stages.last?.config.config?.env == ["PATH=/bin", "é=accent", "A=new", "C=\u{301}x"])
  }
}
