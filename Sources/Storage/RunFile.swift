import Diagnostics
import FoundationEssentials
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What a running server says about itself in `run.json`, for its own command line.
package struct RunFile: Sendable, Hashable, Codable {
  /// Where the doors answer.
  package struct URLs: Sendable, Hashable, Codable {
    package var http: String
    package var grpc: String
    package init(http: String, grpc: String) {
      self.http = http
      self.grpc = grpc
    }
  }

  package struct Ports: Sendable, Hashable, Codable {
    package var http: Int
    package var grpc: Int
    package init(http: Int, grpc: Int) {
      self.http = http
      self.grpc = grpc
    }
  }

  package var pid: Int32
  package var urls: URLs
  package var ports: Ports
  package var version: String
  package var startedAt: Timestamp

  package init(pid: Int32, urls: URLs, ports: Ports, version: String, startedAt: Timestamp) {
    self.pid = pid
    self.urls = urls
    self.ports = ports
    self.version = version
    self.startedAt = startedAt
  }
}

extension DataDirectory {
  static let runFileName = "run.json"

  /// Tells the command line where this server is; others of this user can read it.
  package func writeRunFile(_ file: RunFile) throws(Failure) {
    let bytes: [UInt8]
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      bytes = Array(try encoder.encode(file)) + [0x0a]
    } catch {
      throw Failure(wrapping: error, while: "writing run.json")
    }
    try root.appending(Self.runFileName).replaceContents(with: bytes, durability: .ephemeral)
  }

  package func removeRunFile() throws(Failure) { try root.appending(Self.runFileName).removeFile() }

  /// What the server that holds the data directory says, or nil when none runs there: a file left by `kill -9`
  /// does not count, because the lock it stood for is free.
  package static func readRunFile(at root: FilePath) -> RunFile? {
    DirectoryLock.isHeld(root.appending(DirectoryLock.name)) ? storedRunFile(at: root) : nil
  }

  static func storedRunFile(at root: FilePath) -> RunFile? {
    guard let bytes = try? root.appending(runFileName).readContents(limit: .mebibytes(1)) else { return nil }
    return try? JSONDecoder().decode(RunFile.self, from: Data(bytes))
  }
}
