import Foundation

/// A working copy in which a test makes the history it needs, with git itself.
package struct GitWorkshop: Sendable {
  package let path: String

  /// An empty repository at `path` with a branch `main`; `format` is git's `--object-format`.
  package init(_ path: String, format: String = "sha1") async throws {
    self.path = path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try await git("init", "-q", "-b", "main", "--object-format=\(format)")
  }

  /// Runs git here and answers with the first line it printed; throws when git fails.
  @discardableResult
  package func git(_ arguments: String...) async throws -> String {
    let identity = [
      "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@localhost", "GIT_COMMITTER_NAME": "A",
      "GIT_COMMITTER_EMAIL": "a@localhost", "GIT_AUTHOR_DATE": "1750000000 +0000",
      "GIT_COMMITTER_DATE": "1750000000 +0000", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
    ]
    let result = try await Tool("git").run(arguments, environment: identity, in: path)
    guard result.status == 0 else { throw Failed(words: "git \(arguments.joined(separator: " ")): \(result.all)") }
    return result.lines.first ?? ""
  }

  /// Writes the files and commits everything; answers with the commit's name.
  @discardableResult
  package func commit(_ files: [String: String], message: String = "change") async throws -> String {
    for (name, text) in files {
      let url = URL(fileURLWithPath: path + "/" + name)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
    try await git("add", "-A")
    try await git("commit", "-q", "--allow-empty", "-m", message)
    return try await git("rev-parse", "HEAD")
  }

  /// Makes or renews the bare copy at `target` that a `GitServer` serves: every ref, as it is here.
  package func publish(to target: String) async throws {
    if FileManager.default.fileExists(atPath: target) {
      try await git("push", "-q", "--mirror", target)
    } else {
      try await git("clone", "-q", "--mirror", path, target)
    }
  }

  package struct Failed: Error, CustomStringConvertible {
    package var words: String
    package var description: String { words }
  }
}
