import Foundation

/// Repositories served over smart HTTP on a free port of loopback: nginx, fcgiwrap and `git http-backend`.
///
/// The program that sets them up is `Tests/GitServer/serve`; `make bench` uses it too.
package final class GitServer: Sendable {
  package struct Settings: Sendable {
    /// Names and passwords; when there is one, every request needs Basic credentials.
    package var users: [String: String] = [:]
    /// Partial clones (`uploadpack.allowFilter`).
    package var allowsFilter = true
    /// Any commit by name, not only advertised ones (`uploadpack.allowAnySHA1InWant`).
    package var allowsAnyWant = true
    /// Git sees the Git-Protocol header; else it speaks version 0.
    package var passesProtocol = true
    /// Requests below a path that are sent on (302) to a URL: `/old` → `http://127.0.0.1:1/new`.
    package var redirects: [String: String] = [:]
    /// Requests below a path that get an HTML page.
    package var pages: [String] = []
    package init() {}
  }

  /// One line of the access log; a request is logged when its answer is over.
  package struct Request: Sendable, Hashable {
    package var method: String
    /// Path and query.
    package var target: String
    package var status: Int
    /// The Git-Protocol header; empty when there was none.
    package var gitProtocol: String
    package var hasCredentials: Bool
  }

  /// Where the repositories lie; a folder `a.git` in it is served as `url("a.git")`.
  package let folder: String
  package let port: Int
  private let process: Process
  private let input: Pipe

  /// Serves the bare repositories of `folder`.
  package init(folder: String, settings: Settings = Settings()) async throws {
    let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
    let script = root.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
      "Tests/GitServer/serve")
    for name in ["nginx", "fcgiwrap", "git"] { _ = try Tool(name) }
    var arguments = [script.path, folder]
    for (name, password) in settings.users { arguments += ["--user", "\(name):\(password)"] }
    if !settings.allowsFilter { arguments.append("--no-filter") }
    if !settings.allowsAnyWant { arguments.append("--no-any-want") }
    if !settings.passesProtocol { arguments.append("--no-protocol") }
    for (path, url) in settings.redirects { arguments += ["--redirect", "\(path)=\(url)"] }
    for path in settings.pages { arguments += ["--page", path] }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try Tool("python3").path)
    process.arguments = arguments
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    let line = await ServerProcess.firstLine(of: output.fileHandleForReading)
    guard let ready = try? JSONDecoder().decode([String: Int].self, from: line), let port = ready["port"] else {
      process.waitUntilExit()
      throw Tool.Missing(name: "a git server (nginx-light, fcgiwrap, git)")
    }
    self.folder = folder
    self.port = port
    self.process = process
    self.input = input
  }

  /// The address of a repository; `user` is what stands before the host, such as `name:password`.
  package func url(_ repository: String, user: String? = nil) -> String {
    "http://\(user.map { $0 + "@" } ?? "")127.0.0.1:\(port)/\(repository)"
  }

  /// Answers come with 4 KiB a second from now on, or as fast as they can again.
  package func setSlow(_ isSlow: Bool) throws {
    let path = folder + "/slow"
    if isSlow {
      try Data().write(to: URL(fileURLWithPath: path))
    } else {
      try FileManager.default.removeItem(atPath: path)
    }
  }

  /// The requests answered so far.
  package func requests() throws -> [Request] {
    try String(contentsOfFile: folder + "/access.log", encoding: .utf8).split(separator: "\n").map { line in
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      return Request(
        method: fields[0], target: fields[1], status: Int(fields[2]) ?? 0,
        gitProtocol: fields[3] == "-" ? "" : fields[3], hasCredentials: fields[4] == "credentials")
    }
  }

  package func stop() async {
    try? input.fileHandleForWriting.close()
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      DispatchQueue.global().async {
        self.process.waitUntilExit()
        continuation.resume()
      }
    }
  }
}

/// Runs `body` with a server over a temporary folder of repositories.
package func withGitServer<Value>(
  _ settings: GitServer.Settings = GitServer.Settings(), _ body: (GitServer) async throws -> Value
) async throws -> Value {
  try await withTemporaryFolder { folder in
    let server = try await GitServer(folder: folder.path, settings: settings)
    do {
      let value = try await body(server)
      await server.stop()
      return value
    } catch {
      await server.stop()
      throw error
    }
  }
}
