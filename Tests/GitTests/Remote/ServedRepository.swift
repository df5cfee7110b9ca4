import Diagnostics
import Foundation
import TestSupport

@testable import Git

/// A repository with two commits, a branch `side` at the first, and an annotated tag.
struct ServedRepository {
  let folder: TemporaryFolder
  let first: String
  let second: String
  var root: String { folder.path }

  init(format: ObjectID.Format = .sha1, settings: [String] = []) async throws {
    folder = try TemporaryFolder()
    try folder.write("one\n", to: "site.git/a.txt")
    try folder.write(String(repeating: "long line of text\n", count: 200), to: "site.git/web/b.txt")
    let git = try Tool("git")
    let work = folder.path("site.git")
    func run(_ arguments: [String]) async throws -> String {
      let person = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
      let result = try await git.run(person + arguments, in: work)
      guard result.status == 0 else { throw Failure(.internal, reason: "test", result.all) }
      return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    _ = try await run(["init", "-q", "-b", "main", "--object-format=\(format.rawValue)"])
    _ = try await run(["add", "."])
    _ = try await run(["commit", "-qm", "First"])
    first = try await run(["rev-parse", "HEAD"])
    _ = try await run(["branch", "side"])
    try folder.write("two\n", to: "site.git/a.txt")
    _ = try await run(["commit", "-qam", "Second"])
    second = try await run(["rev-parse", "HEAD"])
    _ = try await run(["tag", "-am", "Release", "v1"])
    for setting in settings { _ = try await run(["config", setting, "true"]) }
  }

  func remove() { folder.remove() }
}
