import Foundation

/// A program of somebody else (or ours), run to its end.
package struct Tool: Sendable {
  package struct Result: Sendable {
    package var status: Int32
    package var output: String
    package var error: String
    /// Both streams, for messages of failed expectations.
    package var all: String { "exit \(status)\n\(output)\n\(error)" }
    package var lines: [String] { output.split(separator: "\n").map(String.init) }
  }

  package struct Missing: Error, CustomStringConvertible {
    package var name: String
    package init(name: String) { self.name = name }
    package var description: String { "the tests need '\(name)'; `make test` installs it" }
  }

  package let path: String

  /// Finds `name` in PATH; throws `Missing`, because a skipped tool would make a green run say nothing.
  package init(_ name: String) throws {
    if name.contains("/") {
      path = name
      return
    }
    let searched = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let folders = searched.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
    guard let folder = folders.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }) else {
      throw Missing(name: name)
    }
    path = "\(folder)/\(name)"
  }

  /// Runs the program; both outputs go through files, so neither can fill a pipe and stop it.
  @discardableResult
  package func run(
    _ arguments: [String], input: Data? = nil, environment: [String: String] = [:], in folder: String? = nil
  ) async throws -> Result {
    let scratch = try TemporaryFolder()
    defer { scratch.remove() }
    let (out, error) = (scratch.path("out"), scratch.path("error"))
    for path in [out, error] { try Data().write(to: URL(fileURLWithPath: path)) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    process.standardOutput = FileHandle(forWritingAtPath: out)
    process.standardError = FileHandle(forWritingAtPath: error)
    if let input {
      try input.write(to: URL(fileURLWithPath: scratch.path("in")))
      process.standardInput = FileHandle(forReadingAtPath: scratch.path("in"))
    } else {
      process.standardInput = FileHandle.nullDevice
    }
    let status = try await process.ended()
    return Result(
      status: status, output: String(decoding: try Data(contentsOf: URL(fileURLWithPath: out)), as: UTF8.self),
      error: String(decoding: try Data(contentsOf: URL(fileURLWithPath: error)), as: UTF8.self))
  }
}

extension Process {
  /// Starts the process and waits for its end; 128 and the signal's number when a signal ended it.
  package func ended() async throws -> Int32 {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Int32, any Error>) in
      terminationHandler = { process in
        let signalled = process.terminationReason == .uncaughtSignal
        continuation.resume(returning: signalled ? 128 + process.terminationStatus : process.terminationStatus)
      }
      do { try run() } catch {
        terminationHandler = nil
        continuation.resume(throwing: error)
      }
    }
  }
}
