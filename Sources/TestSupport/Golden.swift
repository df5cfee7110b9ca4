import Foundation
import Testing

/// Texts kept beside the tests; `KINDLING_GOLDEN=write` rewrites them, to be read in the diff.
package enum Golden {
  /// Whether this run writes golden files instead of comparing with them.
  package static var isWriting: Bool { ProcessInfo.processInfo.environment["KINDLING_GOLDEN"] == "write" }

  /// Compares lines with `Golden/<name>.txt` beside the test's own file.
  package static func expect(
    _ name: String, _ lines: [String], file: String = #filePath, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("Golden")
    try expect(
      lines.joined(separator: "\n") + "\n", at: folder.appendingPathComponent(name + ".txt"),
      sourceLocation: sourceLocation)
  }

  /// Compares a text with a file.
  package static func expect(_ text: String, at url: URL, sourceLocation: SourceLocation = #_sourceLocation) throws {
    if isWriting {
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
    let kept = try String(contentsOf: url, encoding: .utf8)
    guard text != kept else { return }
    Issue.record("\(url.lastPathComponent) says\n\(kept)\nand the test made\n\(text)", sourceLocation: sourceLocation)
  }
}
