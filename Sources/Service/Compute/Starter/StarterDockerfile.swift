import Diagnostics
import FoundationEssentials

/// The Dockerfile for a source tree that has none: a plain one, to be read, kept and changed.
///
/// It honours the container contract (§1.2): listens on `$PORT`, runs as a numeric user, writes under
/// `HOME=/tmp/ignite` alone, and is one process that gets SIGTERM itself.
package struct StarterDockerfile: Sendable, Hashable {
  package enum Stack: String, Sendable, Hashable, CaseIterable {
    case swift = "Swift"
    case rust = "Rust"
    case go = "Go"
    case deno = "Deno"
    case python = "Python"
    case node = "Node.js"
    case site = "static site"
  }

  package var stack: Stack
  package var text: String
  /// What made us think so, as a clause: `package.json is there, and its script "start" is 'node server.js'`.
  package var evidence: String

  /// What is looked for, for people whose tree has none of it.
  package static let knownFiles = [
    "Package.swift", "Cargo.toml", "go.mod", "deno.json", "requirements.txt", "pyproject.toml", "package.json",
    "index.html",
  ]

  /// The starter for a tree whose root holds `names`; nil when no stack is recognised. `read` answers with a small file
  /// of the root as text, or nil.
  ///
  /// Throws `starter-incomplete` (INVALID_ARGUMENT) where the stack is clear and how to start the app is not.
  package static func detect(
    names: Set<String>, read: @escaping (String) -> String?
  ) throws(Failure) -> StarterDockerfile? {
    // Of several the one that says the most about how the tree is run: nobody keeps a Cargo.toml for its tools alone,
    // whereas package.json also stands in repositories that merely format their Markdown with it.
    for stack in Stack.allCases {
      if let starter = try starter(stack, StarterSource(names: names, read: read)) { return starter }
    }
    return nil
  }

  private static func starter(_ stack: Stack, _ source: StarterSource) throws(Failure) -> StarterDockerfile? {
    switch stack {
    case .swift: try SwiftStarter.dockerfile(source)
    case .rust: try RustStarter.dockerfile(source)
    case .go: GoStarter.dockerfile(source)
    case .deno: try DenoStarter.dockerfile(source)
    case .python: try PythonStarter.dockerfile(source)
    case .node: try NodeStarter.dockerfile(source)
    case .site: SiteStarter.dockerfile(source)
    }
  }

  /// Heading, `body` and what every app needs at the end.
  init(_ stack: Stack, because evidence: String, _ body: String, _ command: StarterCommand) {
    self.stack = stack
    self.evidence = evidence
    text = """
      # A starter for \(stack == .site ? "a static site" : stack.rawValue), since \(evidence).
      # An app listens on $PORT, answers GET /healthz with 2xx, ends at SIGTERM, and writes below $HOME alone.
      \(body)
      ENV HOME=/tmp/ignite TMPDIR=/tmp/ignite PORT=80
      EXPOSE 80
      USER 65532:65532
      CMD \(command.json)

      """
  }

  static func incomplete(_ words: String, _ hint: String) -> Failure {
    Failure(
      .invalidArgument, reason: "starter-incomplete", "there is no Dockerfile, and \(words)",
      hint: "\(hint), or write a Dockerfile")
  }
}

/// The root of a source tree, as far as starters look.
struct StarterSource {
  var names: Set<String>
  var read: (String) -> String?

  func first(_ candidates: [String]) -> String? { candidates.first { names.contains($0) } }

  /// What the line `web:` of a Procfile runs.
  var procfile: StarterCommand? {
    guard names.contains("Procfile"), let text = read("Procfile") else { return nil }
    let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("web:") }
    return line.flatMap { StarterCommand(line: String($0.dropFirst(4))) }
  }
}

/// What a container runs, always as the exec form: a shell between would keep SIGTERM to itself.
struct StarterCommand: Sendable, Hashable {
  var words: [String]

  init(_ words: [String]) { self.words = words }

  /// A line as people write it for a shell; nil for an empty one.
  init?(line: String) {
    let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let first = words.first else { return nil }
    let text = words.joined(separator: " ")
    let isSimple = text.utf8.allSatisfy { Self.isPlain($0) }
    if isSimple {
      self.words = first.contains("=") ? ["env"] + words : words
    } else if text.utf8.allSatisfy({ Self.isPlain($0) || Array("${}'\"".utf8).contains($0) }) {
      // The shell puts the variables in and is gone.
      self.words = ["sh", "-c", "exec \(first.contains("=") ? "env " : "")\(text)"]
    } else {
      self.words = ["sh", "-c", text]
    }
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: Array(" -_./:=@,+%".utf8).contains(byte)
    }
  }

  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    let quoted = words.map { word in (try? encoder.encode(word)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\"" }
    return "[" + quoted.joined(separator: ", ") + "]"
  }
}
