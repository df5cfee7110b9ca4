import Archive
import Diagnostics
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("A build context")
struct BuildContextTests {
  /// Packs the files with tar and reads them as a context.
  private func context(
    _ files: [String: String], dockerfile: String = "Dockerfile",
    _ body: (BuildContext) throws -> Void
  ) async throws {
    try await withTemporaryFolder { folder in
      for (name, text) in files { try folder.write(text, to: "tree/\(name)") }
      let packed = try await Tool("tar").run(
        ["--owner=1234", "--group=5678", "-C", folder.path("tree"), "-czf", folder.path("context.tar.gz"), "."])
      try #require(packed.status == 0, "\(packed.all)")
      try body(
        try BuildContext(
          .archive(FilePath(folder.path("context.tar.gz"))), scratch: FilePath(folder.path("scratch")),
          dockerfile: dockerfile))
    }
  }

  private func names(_ context: BuildContext, in path: FilePath = FilePath()) -> [String] {
    context.names(in: path).map(\.string)
  }

  @Test("shows what .dockerignore leaves, says what it took, and reads an ignored Dockerfile all the same")
  func ignoreFile() async throws {
    let files = [
      "Dockerfile": "FROM scratch\n", ".dockerignore": "*\n!src\nsrc/*.log\n!src/kept.log\n", "secret": "x",
      "src/a": "a", "src/b.log": "b", "src/kept.log": "c",
    ]
    try await context(files) { context throws in
      #expect(names(context) == ["src"])
      #expect(names(context, in: "src") == ["a", "kept.log"])
      #expect(context.isIgnored("secret") && context.isIgnored("src/b.log") && !context.isIgnored("src/a"))
      #expect(try context.node("secret") == nil)
      #expect(try context.dockerfile("Dockerfile") == "FROM scratch\n")
      #expect(context.summary.files == 2 && context.summary.size == ByteCount(2))
    }
  }

  @Test("takes NAME.dockerignore before .dockerignore")
  func namedIgnoreFile() async throws {
    let files = [
      "ci.Dockerfile": "FROM scratch\n", ".dockerignore": "a\n", "ci.Dockerfile.dockerignore": "b\n", "a": "", "b": "",
    ]
    try await context(files, dockerfile: "ci.Dockerfile") { context throws in
      #expect(names(context).contains("a") && !names(context).contains("b"))
    }
    try await context(files) { context throws in
      #expect(names(context).contains("b") && !names(context).contains("a"))
    }
  }

  @Test("gives files to root, whoever owned them on the sender's machine")
  func owners() async throws {
    try await context(["Dockerfile": "x", "f": "text"]) { context throws in
      let node = try #require(try context.node("f"))
      #expect(node.entry.uid == 0 && node.entry.gid == 0)
      #expect(try node.body.reader()?.contents(limit: .kibibytes(1)) == Array("text".utf8))
    }
  }

  @Test("names the Dockerfile it holds when the one asked for is missing")
  func missingDockerfile() async throws {
    try await context(["docker/Dockerfile.prod": "FROM scratch\n"]) { context throws in
      let failure = #expect(throws: Failure.self) { try context.dockerfile("Dockerfile") }
      #expect(failure?.reason == "dockerfile-missing")
      #expect(failure?.hint == "did you mean --dockerfile docker/Dockerfile.prod?")
    }
  }
}
