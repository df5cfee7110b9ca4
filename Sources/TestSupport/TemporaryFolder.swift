import Foundation

/// A folder of its own for one test.
package struct TemporaryFolder: Sendable {
  package let path: String

  package init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("kindling-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  package func path(_ name: String) -> String { path + "/" + name }

  /// Writes a file, making the folders above it.
  package func write(_ text: String, to name: String, executable: Bool = false) throws {
    let url = URL(fileURLWithPath: path(name))
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
    if executable { try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: url.path) }
  }

  package func read(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

  package func remove() { try? FileManager.default.removeItem(atPath: path) }
}

/// Runs `body` with a folder that is gone afterwards.
package func withTemporaryFolder<Value>(_ body: (TemporaryFolder) async throws -> Value) async throws -> Value {
  let folder = try TemporaryFolder()
  defer { folder.remove() }
  return try await body(folder)
}
