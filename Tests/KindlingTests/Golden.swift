import Foundation
import Testing

/// Texts kept beside the tests; `KINDLING_GOLDEN=write` rewrites them, to be read in the diff.
enum Golden {
  static func expect(
    _ name: String,
    _ lines: [String],
    file: String = #filePath,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("Golden")
    let url = folder.appendingPathComponent(name + ".txt")
    let text = lines.joined(separator: "\n") + "\n"
    if ProcessInfo.processInfo.environment["KINDLING_GOLDEN"] == "write" {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
    let kept = try String(contentsOf: url, encoding: .utf8)
    #expect(text == kept, "\(name)", sourceLocation: sourceLocation)
  }
}
