import Foundation
import TestSupport

/// A context with a busybox root, and a folder of its own for what the executor keeps.
struct ExecutorWorkshop: Sendable {
  /// The first lines of a Dockerfile with a busybox root.
  static let base = "FROM scratch\nADD base.tar /\n"

  let folder: TemporaryFolder
  let path: String

  init(_ dockerfile: String, in folder: TemporaryFolder) async throws {
    self.folder = folder
    path = folder.path("ctx")
    try folder.write(dockerfile, to: "ctx/Dockerfile")
    try FileManager.default.copyItem(atPath: try await Busybox.shared.archive(), toPath: path + "/base.tar")
  }

  func run(
    _ words: [String], input: Data? = nil, environment: [String: String] = [:], launcher: [String] = []
  ) async throws -> Tool.Result {
    let command = launcher + [ServerProcess.binary, "executor"] + words
    return try await Tool(command[0]).run(
      Array(command.dropFirst()), input: input,
      environment: ["XDG_CACHE_HOME": folder.path("cache"), "HOME": folder.path].merging(environment) { $1 },
      in: folder.path)
  }

  /// What executors keep between runs.
  var kept: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder.path("cache/kindling")).sorted()) ?? []
  }
}
