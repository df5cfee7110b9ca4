import Foundation

/// A program of somebody else that serves on loopback, ended with the test.
package final class ForeignServer: Sendable {
  package let port: Int
  /// `127.0.0.1:PORT`.
  package var host: String { "\(address):\(port)" }
  private let address: String
  private let process: Process

  /// Debian's docker-registry on a free port of an address; `more` goes into its configuration.
  package static func docker(
    in folder: TemporaryFolder, at address: String = "127.0.0.1", http: String = "", more: String = ""
  ) async throws -> ForeignServer {
    let config = """
      version: 0.1
      log: {level: info, formatter: text}
      storage:
        filesystem: {rootdirectory: \(folder.path("registry"))}
        delete: {enabled: true}
      http:
        addr: '\(address):0'
        secret: not-one
      \(http)
      \(more)
      """
    try folder.write(config, to: "registry.yml")
    let arguments = ["serve", folder.path("registry.yml")]
    return try await ForeignServer(try Tool("docker-registry").path, arguments, at: address) { line in
      // msg="listening on 127.0.0.1:41234" … with ", tls" behind it where there is TLS.
      guard let range = line.range(of: "listening on \(address):") else { return nil }
      return Int(line[range.upperBound...].prefix { $0.isNumber })
    }
  }

  /// Starts a program; `port` finds its port in a line of what it says.
  package init(
    _ program: String, _ arguments: [String], at address: String = "127.0.0.1",
    port: @escaping @Sendable (String) -> Int?
  ) async throws {
    self.address = address
    process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let handle = pipe.fileHandleForReading
    self.port = try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Int, any Error>) in
      DispatchQueue.global().async {
        var text = ""
        while true {
          let piece = handle.availableData
          if piece.isEmpty { return continuation.resume(throwing: Tool.Missing(name: program + ": " + text)) }
          text += String(decoding: piece, as: UTF8.self)
          let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
          if let found = lines.lazy.compactMap({ port(String($0)) }).first {
            // What it says later must go somewhere, or it stops.
            handle.readabilityHandler = { if $0.availableData.isEmpty { $0.readabilityHandler = nil } }
            return continuation.resume(returning: found)
          }
        }
      }
    }
  }

  /// Nothing of it is wanted any more, so it is not asked.
  package func stop() { kill(process.processIdentifier, SIGKILL) }
}
