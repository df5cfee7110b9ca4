import Foundation

/// The app of `Tests/Apps/app.c`, compiled once without shared libraries and kept with what was built.
package actor TestApp {
  package static let shared = TestApp()
  private var made: Task<String, any Error>?

  /// The path of the program.
  package func program() async throws -> String {
    if let made { return try await made.value }
    let task = Task { try await Self.make() }
    made = task
    return try await task.value
  }

  private static func make() async throws -> String {
    let root = FileManager.default.currentDirectoryPath
    let source = root + "/Tests/Apps/app.c"
    let stamp = try FileManager.default.attributesOfItem(atPath: source)[.modificationDate] as? Date ?? .distantPast
    let kept = root + "/.build/test-app-\(Int(stamp.timeIntervalSince1970))"
    if FileManager.default.fileExists(atPath: kept) { return kept }
    let fresh = kept + ".\(ProcessInfo.processInfo.processIdentifier)"
    // The toolchain's own compiler, so that no other is needed.
    let result = try await Tool("/usr/bin/env").run(["clang", "-O1", "-static", "-o", fresh, source])
    guard result.status == 0, rename(fresh, kept) == 0 else { throw Tool.Missing(name: "clang (\(result.error))") }
    return kept
  }

  /// A build context of it: the program and a Dockerfile that runs it as `user` and declares `env`.
  package func context(user: String? = "65532", env: [String: String] = [:], more: String = "") async throws
    -> TemporaryFolder
  {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: try await program(), toPath: folder.path("app"))
    let variables = env.sorted { $0.key < $1.key }.map { "ENV \($0.key)=\"\($0.value)\"\n" }.joined()
    let text = """
      FROM scratch
      COPY --chmod=755 app /app
      \(variables)\(more)
      \(user.map { "USER \($0)" } ?? "")
      CMD ["/app"]

      """
    try text.write(toFile: folder.path("Dockerfile"), atomically: true, encoding: .utf8)
    return folder
  }
}

extension ServerProcess {
  /// Builds the test app as `name:tag` of the default organisation; the image's reference.
  package func buildTestApp(
    _ name: String = "app", tag: String = "latest", user: String? = "65532", env: [String: String] = [:]
  ) async throws -> String {
    let folder = try await TestApp.shared.context(user: user, env: env)
    defer { folder.remove() }
    let result = try await kindling(["build", "create", name, "--context", folder.path, "--tag", tag, "--follow"])
    guard result.status == 0 else { throw StartFailed(words: result.all, status: result.status) }
    return "\(ready.registry)/dev/\(name):\(tag)"
  }
}
