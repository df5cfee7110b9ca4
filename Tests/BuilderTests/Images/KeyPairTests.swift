import Foundation
import TestSupport
import Testing

/// Pairs of builds whose last step must be taken from the cache, and pairs where it must not.
@Suite("The cache, pair by pair")
struct KeyPairTests {
  struct Pair: Sendable {
    var name: String
    var first: String
    var second: String
    /// What is done to the context in between, in the shell.
    var change = ""
    var isShared: Bool
  }

  static let pairs = [
    Pair(name: "another time", first: "COPY f /f", second: "COPY f /f", change: "touch -d @1 f", isShared: true),
    Pair(
      name: "another owner on the host", first: "COPY f /f", second: "COPY f /f", change: "chown 9 f", isShared: true),
    Pair(
      name: "a file that is not copied", first: "COPY f /f", second: "COPY f /f", change: "echo x% > g", isShared: true),
    Pair(name: "an equal file", first: "COPY f /f", second: "COPY h /f", change: "cp f h", isShared: true),
    Pair(
      name: "words of the flag", first: "COPY --chmod=644 f /f", second: "COPY --chmod=u=rw,go=r f /f", isShared: true),
    Pair(
      name: "a name for a number", first: "COPY --chown=builder f /f", second: "COPY --chown=1000:1001 f /f",
      isShared: true),
    Pair(name: "ADD for COPY", first: "COPY f /f", second: "ADD f /f", isShared: true),
    Pair(name: "a heredoc for a file", first: "COPY --chmod=644 f /f", second: "COPY <<E /f\nf%\nE", isShared: true),
    Pair(name: "an unused argument's value", first: "ARG A=1\nCOPY f /f", second: "ARG A=2\nCOPY f /f", isShared: true),
    Pair(name: "content", first: "COPY f /f", second: "COPY f /f", change: "echo other% > f", isShared: false),
    Pair(name: "mode", first: "COPY f /f", second: "COPY f /f", change: "chmod 600 f", isShared: false),
    Pair(name: "owner", first: "COPY f /f", second: "COPY --chown=1 f /f", isShared: false),
    Pair(name: "group", first: "COPY --chown=1:1 f /f", second: "COPY --chown=1:2 f /f", isShared: false),
    Pair(name: "changed mode", first: "COPY f /f", second: "COPY --chmod=600 f /f", isShared: false),
    Pair(name: "destination", first: "COPY f /f", second: "COPY f /g", isShared: false),
    Pair(name: "a file taken out", first: "COPY d /d", second: "COPY --exclude=in d /d", isShared: false),
    Pair(name: "parents", first: "COPY d/in /x/", second: "COPY --parents d/in /x/", isShared: false),
    Pair(name: "heredoc", first: "COPY <<E /f\na%\nE", second: "COPY <<E /f\nb%\nE", isShared: false),
    Pair(
      name: "heredoc's variable", first: "ARG A=1\nCOPY <<E /f\n${A}%\nE", second: "ARG A=2\nCOPY <<E /f\n${A}%\nE",
      isShared: false),
    Pair(
      name: "quoted heredoc", first: "ARG A=1\nCOPY <<E /f\n${A}%\nE", second: "ARG A=1\nCOPY <<'E' /f\n${A}%\nE",
      isShared: false),
    Pair(
      name: "a link for a file", first: "COPY d /d", second: "COPY d /d", change: "rm d/in; ln -s ../f d/in",
      isShared: false),
    Pair(name: "an empty directory", first: "COPY d /d", second: "COPY d /d", change: "mkdir d/new", isShared: false),
    Pair(
      name: "what a stage made", first: "COPY --from=other /o /o", second: "COPY --from=changed /o /o", isShared: false),
    Pair(
      name: "the same from another stage", first: "COPY --from=other /o /o", second: "COPY --from=same /o /o",
      isShared: true),
    Pair(name: "argument of a command", first: "ARG A=1\nRUN echo $A", second: "ARG A=2\nRUN echo $A", isShared: false),
    Pair(
      name: "argument declared after a command", first: "RUN true\nARG A=1", second: "RUN true\nARG A=2", isShared: true
    ),
    Pair(name: "label before a command", first: "LABEL a=1\nRUN true", second: "LABEL a=2\nRUN true", isShared: true),
    Pair(name: "environment", first: "ENV A=1\nRUN true", second: "ENV A=2\nRUN true", isShared: false),
    Pair(
      name: "a copy below a command", first: "COPY f /f\nRUN true", second: "COPY h /f\nRUN true",
      change: "echo 2% > h", isShared: false),
    Pair(
      name: "an equal copy below a command", first: "COPY f /f\nRUN true", second: "COPY h /f\nRUN true",
      change: "cp f h", isShared: true),
    Pair(name: "heredoc of a command", first: "RUN <<E\necho a\nE", second: "RUN <<E\necho b\nE", isShared: false),
  ]

  private static let stages = """
    FROM busybox AS other
    RUN echo %1 > /o
    FROM busybox AS changed
    RUN echo %2 > /o
    FROM busybox AS same
    RUN echo %once && echo %1 > /o
    FROM busybox
    ENV N=%

    """

  @Test("hits what is equal and nothing else")
  func pairs() async throws {
    try await Kitchen.run { kitchen in
      for (number, pair) in Self.pairs.enumerated() {
        let name = "pair\(number)"
        // The number is in all there is, so that the pairs before are no help.
        func numbered(_ text: String) -> String { text.replacingOccurrences(of: "%", with: "\(number)") }
        try kitchen.folder.write(numbered("f%\n"), to: "\(name)/f")
        try kitchen.folder.write(numbered("in%\n"), to: "\(name)/d/in")
        let made = try await kitchen.build(numbered(Self.stages + pair.first + "\n"), name: name)
        #expect(made.succeeded, "\(pair.name): \(made.result.all)")
        let change = pair.change.isEmpty ? ":" : numbered(pair.change)
        let done = try await Tool("/bin/sh").run(["-ec", change], in: kitchen.folder.path(name))
        try #require(done.status == 0, "\(pair.name): \(done.all)")
        let again = try await kitchen.build(numbered(Self.stages + pair.second + "\n"), name: name)
        #expect(again.succeeded, "\(pair.name): \(again.result.all)")
        #expect(again.lastLayerIsCached == pair.isShared, "\(pair.name): \(again.log)")
      }
    }
  }
}

extension Kitchen.Built {
  /// Whether the last step that makes a layer was found.
  var lastLayerIsCached: Bool? {
    let ends = log.split(separator: "\n").filter {
      $0.hasPrefix("#") && ($0.contains(" cached") || $0.contains("layer"))
    }
    return ends.last.map { $0.contains(" cached") }
  }
}
