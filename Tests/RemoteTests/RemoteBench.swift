import Diagnostics
import Foundation
import OCI
import Outbound
import Storage
import Synchronization
import SystemPackage
import TestSupport

@testable import Remote

/// A data directory, a client and what was waited for, for one test.
final class RemoteBench: Sendable {
  let folder: TemporaryFolder
  let data: DataDirectory
  let client: OutboundClient
  let pauses = Mutex<[Duration]>([])

  init(_ folder: TemporaryFolder, policy: OutboundPolicy = OutboundPolicy()) throws {
    self.folder = folder
    data = try DataDirectory.open(at: FilePath(folder.path("data")), durability: .ephemeral)
    client = OutboundClient(policy: policy, environment: [:])
  }

  /// Waits for nothing and counts the pauses.
  func images(_ change: (inout RemoteSettings) -> Void = { _ in }) -> RemoteImages {
    var settings = RemoteSettings()
    change(&settings)
    return RemoteImages(client: client, settings: settings, blobs: data.blobs) {
      [self] (pause) async throws(CancellationError) in
      pauses.withLock { $0.append(pause) }
    }
  }

  /// Pulls and tells the digests of what came.
  @discardableResult
  func pull(
    _ text: String, _ credentials: [String: String] = [:],
    platform: Platform = Platform(os: "linux", architecture: "amd64"),
    _ change: (inout RemoteSettings) -> Void = { _ in }
  ) async throws -> PulledImage {
    try await images(change).pull(
      try RemoteName(try Reference(text)), platform: platform,
      credentials: try RegistryCredentials(saved: credentials), isHere: { _ in false })
  }
}

func withBench<Value>(
  policy: OutboundPolicy = OutboundPolicy(), _ body: (RemoteBench) async throws -> Value
) async throws -> Value {
  try await withTemporaryFolder { folder in
    let bench = try RemoteBench(folder, policy: policy)
    defer { bench.data.close() }
    do {
      let value = try await body(bench)
      await bench.client.shutdown()
      return value
    } catch {
      await bench.client.shutdown()
      throw error
    }
  }
}

private func scriptedRegistry() async throws -> ForeignServer {
  let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Scripts")
  let arguments = [script.path + "/scripted-registry.py"]
  return try await ForeignServer(try Tool("python3").path, arguments) { Int($0) }
}

/// Runs `body` with the scripted registry.
func withScripted<Value>(_ body: (RemoteBench, ForeignServer) async throws -> Value) async throws -> Value {
  let registry = try await scriptedRegistry()
  defer { registry.stop() }
  return try await withBench { bench in try await body(bench, registry) }
}

/// What the scripted registry was asked: method, path, kind of login, range.
func log(of registry: ForeignServer) async throws -> [[String]] {
  let result = try await Tool("curl").run(["-sS", "http://\(registry.host)/log"])
  return try JSONDecoder().decode([[String]].self, from: Data(result.output.utf8))
}
