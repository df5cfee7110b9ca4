import Foundation
import SystemPackage
import TestSupport

/// Repositories made by git itself, without the configuration of whoever runs the tests.
struct GitFixture {
  let folder: TemporaryFolder
  let git: Tool

  init(_ folder: TemporaryFolder) throws {
    self.folder = folder
    git = try Tool("git")
  }

  var path: FilePath { FilePath(folder.path) }

  /// Runs git in the folder and returns what it printed.
  @discardableResult
  func run(_ arguments: String..., input: Data? = nil, in name: String = ".") async throws -> String {
    let environment = [
      "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_AUTHOR_NAME": "Ada",
      "GIT_AUTHOR_EMAIL": "ada@example.org", "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org",
      "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000",
    ]
    let result = try await git.run(arguments, input: input, environment: environment, in: folder.path(name))
    guard result.status == 0 else { throw GitFailed(text: "git \(arguments): \(result.all)") }
    return result.output
  }

  struct GitFailed: Error { var text: String }

  /// Every object of a repository: name, kind and size, in order of the names.
  func objects(in name: String = ".") async throws -> [String] {
    try await run(
      "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype) %(objectsize)", in: name
    ).split(separator: "\n").map(String.init).sorted()
  }

  /// A pack of what `revisions` (one a line, as git rev-list takes them; all references when empty) lead to.
  func pack(_ revisions: String = "", _ options: [String] = [], in name: String = ".") async throws -> [UInt8] {
    let prefix = folder.path("pack-of-\(UUID().uuidString)")
    let all = revisions.isEmpty ? "--all" : ""
    let script = "exec git pack-objects --revs \(all) --stdout -q \(options.joined(separator: " ")) > '\(prefix)'"
    let result = try await Tool("sh").run(
      ["-c", script], input: Data((revisions.isEmpty ? "" : revisions + "\n").utf8),
      environment: ["GIT_CONFIG_GLOBAL": "/dev/null"],
      in: folder.path(name))
    guard result.status == 0 else { throw GitFailed(text: result.all) }
    return try Array(Data(contentsOf: URL(fileURLWithPath: prefix)))
  }
}
