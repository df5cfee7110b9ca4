import Foundation
import TestSupport

/// A context with a busybox root, and a folder of its own for what the executor keeps.
struct ExecutorWorkshop: Sendable {
  /// What gives a Dockerfile that root.
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

  /// Runs the executor where these names are this machine, which says nothing of whether they are trusted.
  func run(_ words: [String], names: [String], environment: [String: String] = [:]) async throws -> Tool.Result {
    let hosts = folder.path("hosts")
    try folder.write("127.0.0.1 localhost \(names.joined(separator: " "))\n", to: "hosts")
    let script = "mount --make-rprivate / && mount --bind \(hosts) /etc/hosts && exec \"$@\""
    return try await run(
      words, environment: environment, launcher: ["unshare", "-m", "--", "/bin/sh", "-c", script, "launcher"])
  }

  /// What executors keep between runs.
  var kept: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder.path("cache/kindling")).sorted()) ?? []
  }
}
