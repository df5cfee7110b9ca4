import Builder
import Diagnostics
import Foundation
import OCI
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Service

@Suite("Starter Dockerfiles") struct StarterDockerfileTests {
  /// By name of the golden file: what the root holds.
  static let trees: [String: [String: String]] = [
    "node-start": [
      "package.json": #"{"scripts":{"start":"node server.js","test":"x"}}"#, "package-lock.json": "{}", "server.js": "",
    ],
    "node-built": [
      "package.json": #"{"scripts":{"start":"next start -p $PORT","build":"next build"}}"#, "pnpm-lock.yaml": "",
    ],
    "node-several": ["package.json": #"{"scripts":{"start":"node a.js && node b.js"}}"#, "yarn.lock": ""],
    "node-main": ["package.json": #"{"main":"lib/app.js"}"#],
    "python-fastapi": ["requirements.txt": "FastAPI==0.115\n", "main.py": ""],
    "python-flask": ["requirements.txt": "flask\ngunicorn\n", "app.py": ""],
    "python-project": ["pyproject.toml": "[project]\nname = 'x'\n", "server.py": "", "package.json": "{}"],
    "python-procfile": [
      "requirements.txt": "", "Procfile": "release: x\nweb: MODE=a waitress-serve --port=$PORT x:y\n",
    ],
    "go-root": ["go.mod": "module x\n\ngo 1.22.3\n", "go.sum": "", "main.go": ""],
    "go-cmd": ["go.mod": "module x\n", "cmd": "", "util_test.go": ""],
    "rust": [
      "Cargo.toml": "[package] # the app\nname = \"greeter\"\n[dependencies]\nname = \"no\"\n", "Cargo.lock": "",
    ],
    "rust-bin": ["Cargo.toml": "[package]\nname = \"lib\"\n\n[[bin]]\nname = \"served\"\npath = \"x.rs\"\n"],
    "deno-entry": ["deno.json": "{}", "main.ts": ""],
    "deno-task": ["deno.json": #"{"tasks":{"start":"deno serve -A --port $PORT main.ts"}}"#, "main.ts": ""],
    "swift": [
      "Package.swift": "// swift-tools-version:6.0\nlet p = Package(targets: [.executableTarget(\n  name: \"Server\")])"
    ],
    "site": ["index.html": "<p>hello"],
  ]

  @Test("are plain, honour the container contract, and our own planner reads them", arguments: trees.keys.sorted())
  func golden(name: String) async throws {
    let tree = try #require(Self.trees[name])
    let starter = try #require(try Self.detect(tree))
    try Golden.expect(
      "starter-" + name,
      [starter.evidence, ""] + starter.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
    try await withTemporaryFolder { folder in
      for (file, text) in tree { try folder.write(text, to: "tree/" + file) }
      try folder.write(starter.text, to: "tree/Dockerfile")
      let order = BuildOrder(
        workName: "test", source: .directory(FilePath(folder.path("tree"))), dockerfile: "Dockerfile", buildArgs: [:],
        platform: .host, noCache: false, organization: try OrganizationName("dev"))
      let plan = try await BuildPlan.make(for: order, bases: AnyBase(), scratch: FilePath(folder.path))
      #expect(plan.warnings.map(\.line) == [])
      let config = try #require(plan.stages.last?.config.config)
      #expect(config.user == "65532:65532" && config.exposedPorts?.keys.contains("80/tcp") == true)
      let environment = config.env ?? []
      #expect(environment.contains("HOME=/tmp/ignite") && environment.contains("PORT=80"), "\(environment)")
      // The exec form, and what a shell is needed for replaces the shell unless it is several commands.
      let command = config.cmd ?? []
      #expect(!command.isEmpty && (command.first != "sh" || command.last?.hasPrefix("exec ") == true), "\(command)")
    }
  }

  @Test("are of the stack that says the most about how the tree is run")
  func order() throws {
    let all = Dictionary(uniqueKeysWithValues: StarterDockerfile.knownFiles.map { ($0, "") })
    var names = all.merging([
      "Package.swift": #".executable(name: "x")"#, "Cargo.toml": "[package]\nname=\"x\"", "main.ts": "", "main.py": "",
      "package.json": #"{"main":"x.js"}"#,
    ]) { $1 }
    let stacks: [(StarterDockerfile.Stack, [String])] = [
      (.swift, ["Package.swift"]), (.rust, ["Cargo.toml"]), (.go, ["go.mod"]), (.deno, ["deno.json"]),
      (.python, ["requirements.txt", "pyproject.toml"]), (.node, ["package.json"]), (.site, ["index.html"]),
    ]
    for (stack, files) in stacks {
      #expect(try Self.detect(names)?.stack == stack)
      for file in files { names[file] = nil }
    }
    #expect(try Self.detect(names) == nil)
    #expect(try Self.detect([:]) == nil)
  }

  @Test(
    "where nothing says what to run, say what is missing",
    arguments: [
      (["package.json": "{}"], "scripts.start"), (["package.json": "{"], "package.json"),
      (["requirements.txt": "flask"], "Procfile"), (["Cargo.toml": "[workspace]\n"], "[package]"),
      (["Package.swift": ".library(name: \"x\")"], ".executable"), (["deno.jsonc": "{ // \n}"], "main.ts"),
      (["Cargo.toml": "[package]\nname = \"x; rm -rf /\"\n"], "[package]"),
    ] as [([String: String], String)])
  func incomplete(tree: [String: String], word: String) throws {
    let failure = #expect(throws: Failure.self) { try Self.detect(tree) }
    #expect(failure?.reason == "starter-incomplete" && failure?.code == .invalidArgument)
    #expect(failure?.message.contains(word) == true && failure?.hint?.contains("Dockerfile") == true)
  }

  @Test("nothing that a tree's files say breaks out of the line it is written in")
  func injection() throws {
    let starter = try #require(try Self.detect(["package.json": #"{"main":"a\nRUN evil\".js"}"#]))
    let lines = starter.text.split(separator: "\n")
    #expect(lines.last == #"CMD ["node", "a\nRUN evil\".js"]"#)
    #expect(!lines.contains { $0.hasPrefix("RUN evil") })
  }

  private static func detect(_ tree: [String: String]) throws(Failure) -> StarterDockerfile? {
    try StarterDockerfile.detect(names: Set(tree.keys)) { tree[$0] }
  }
}

/// Whatever is asked for is there, and has nothing in it.
private struct AnyBase: BaseImageSource {
  func image(
    _ reference: String, platform: Platform, for organization: OrganizationName
  ) async throws(Failure) -> BaseImage {
    BaseImage(
      reference: reference, manifest: Digest(sha256Of: Array(reference.utf8)), mediaType: .ociManifest,
      config: ImageConfig(platform: platform), layers: [])
  }
}
