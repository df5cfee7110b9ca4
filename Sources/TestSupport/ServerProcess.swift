import Foundation

/// The real binary as a server of its own, on free ports and a temporary data directory.
package final class ServerProcess: Sendable {
  /// What `start --json` says when it is ready.
  package struct Ready: Decodable, Sendable {
    package var http: String
    package var grpc: String
    package var registry: String
    package var pid: Int32
    package var warnings: [String]
  }

  package let ready: Ready
  package let data: String
  package let token: String
  private let process: Process

  /// Where `swift build` put the binary: beside the test bundle.
  package static var binary: String {
    var folder = Bundle.main.bundleURL
    if ["xctest", "swiftpm-testing-helper"].contains(folder.pathExtension) { folder.deleteLastPathComponent() }
    for candidate in [folder, URL(fileURLWithPath: FileManager.default.currentDirectoryPath + "/.build/debug")] {
      let path = candidate.appendingPathComponent("kindling").path
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    return FileManager.default.currentDirectoryPath + "/.build/debug/kindling"
  }

  /// Starts the server and returns when it is ready; throws with its words when it ends instead.
  ///
  /// `launcher` is a command that executes what follows it, in place of the binary itself.
  package init(data: String, flags: [String] = [], launcher: [String] = [ServerProcess.binary]) async throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: launcher[0])
    process.arguments =
      launcher.dropFirst() + ["start", "--port", "0", "--grpc-port", "0", "--json", "--data-dir", data] + flags
    let output = Pipe()
    let errors = data + ".errors"
    try Data().write(to: URL(fileURLWithPath: errors))
    process.standardOutput = output
    process.standardError = FileHandle(forWritingAtPath: errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let line = await Self.firstLine(of: output.fileHandleForReading)
    guard let ready = try? JSONDecoder().decode(Ready.self, from: line) else {
      process.waitUntilExit()
      throw StartFailed(
        words: (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "", status: process.terminationStatus)
    }
    self.ready = ready
    self.data = data
    self.process = process
    self.token = try String(contentsOfFile: data + "/token", encoding: .utf8).trimmingCharacters(in: .newlines)
  }

  /// Reads on a thread of its own until the line ends or the server does.
  package static func firstLine(of handle: FileHandle) async -> Data {
    await withCheckedContinuation { (continuation: CheckedContinuation<Data, Never>) in
      DispatchQueue.global().async {
        var line = Data()
        while !line.contains(UInt8(ascii: "\n")) {
          let piece = handle.availableData
          if piece.isEmpty { break }
          line.append(piece)
        }
        continuation.resume(returning: line)
      }
    }
  }

  package struct StartFailed: Error, CustomStringConvertible {
    package var words: String
    package var status: Int32
    package var description: String { "kindling start ended with \(status): \(words)" }
  }

  /// Runs our own command line against this server.
  package func kindling(
    _ arguments: [String], environment: [String: String] = [:], in folder: String? = nil
  ) async throws -> Tool.Result {
    try await Tool(Self.binary).run(
      arguments, environment: environment.merging(["KINDLING_DATA_DIR": data]) { own, _ in own }, in: folder)
  }

  /// A token of another organisation.
  package func token(of organization: String) async throws -> String {
    try await kindling(["token", "--org", organization]).lines.first ?? ""
  }

  /// An HTTP call as curl makes it; `token` nil sends none.
  package func http(
    _ method: String, _ path: String, body: String? = nil, token: String?, headers: [String] = []
  ) async throws -> (status: Int, body: String, head: String) {
    var arguments = ["-sS", "-i", "-X", method, ready.http + path]
    if method == "HEAD" { arguments[3] = "GET"; arguments.insert("-I", at: 0) }
    if let token { arguments += ["-H", "Authorization: Bearer \(token)"] }
    for header in headers { arguments += ["-H", header] }
    if body != nil {
      if !headers.contains(where: { $0.hasPrefix("Content-Type:") }) {
        arguments += ["-H", "Content-Type: application/json"]
      }
      arguments += ["-H", "Expect:", "--data-binary", "@-"]
    }
    let result = try await Tool("curl").run(arguments, input: body.map { Data($0.utf8) })
    let text = result.output.replacingOccurrences(of: "\r\n", with: "\n")
    let parts = text.components(separatedBy: "\n\n")
    let status = Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0
    return (status, parts.dropFirst().joined(separator: "\n\n"), parts.first ?? "")
  }

  /// Ends the server politely and answers with its exit status.
  @discardableResult
  package func stop() async -> Int32 {
    await end(with: SIGTERM)
  }

  /// Ends the server as a power cut would, as far as a process can tell.
  package func kill() async { await end(with: SIGKILL) }

  @discardableResult
  private func end(with signal: Int32) async -> Int32 {
    await withCheckedContinuation { (continuation: CheckedContinuation<Int32, Never>) in
      DispatchQueue.global().async {
        if self.process.isRunning { Foundation.kill(self.process.processIdentifier, signal) }
        self.process.waitUntilExit()
        continuation.resume(returning: self.process.terminationStatus)
      }
    }
  }
}

/// Runs `body` with a server that is stopped afterwards.
package func withServer<Value>(
  _ flags: [String] = [], _ body: (ServerProcess, TemporaryFolder) async throws -> Value
) async throws -> Value {
  try await withTemporaryFolder { folder in
    let server = try await ServerProcess(data: folder.path("data"), flags: flags)
    do {
      let value = try await body(server, folder)
      await server.stop()
      return value
    } catch {
      await server.stop()
      throw error
    }
  }
}
