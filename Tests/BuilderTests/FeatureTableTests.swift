import Foundation
import Testing

/// `Tests/Dockerfile-features.md` names tests that exist.
@Suite("The table of features")
struct FeatureTableTests {
  private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

  /// `Target.Type.function` or `Target.Type.function:golden`, and the feature in whose row it stands.
  struct Entry: Sendable, CustomStringConvertible {
    var feature: String
    var words: [String]
    var golden: String?
    var description: String { "\(feature): \(words.joined(separator: "."))" }
  }

  /// The rows of all tables, each cut into what it is about and the tests between backticks.
  private static func entries() throws -> [Entry] {
    let text = try String(contentsOf: tests.appendingPathComponent("Dockerfile-features.md"), encoding: .utf8)
    return text.split(separator: "\n").filter { $0.hasPrefix("| ") }.flatMap { row -> [Entry] in
      let cells = row.dropFirst(2).components(separatedBy: " | ")
      guard cells.count == 2 else { return [] }
      return cells[1].split(separator: "`").filter { $0.contains(".") }.map { name in
        let parts = name.split(separator: ":")
        return Entry(
          feature: cells[0], words: parts[0].split(separator: ".").map(String.init),
          golden: parts.count == 2 ? String(parts[1]) : nil)
      }
    }
  }

  /// The files of a test target that declare the type.
  private static func sources(of target: String, declaring type: String) -> [String] {
    let folder = tests.appendingPathComponent(target)
    let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    return files.filter { $0.hasSuffix(".swift") }
      .compactMap { try? String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8) }
      .filter { $0.contains("struct \(type) ") || $0.contains("extension \(type) ") }
  }

  @Test("names only tests that are there")
  func exists() throws {
    let entries = try Self.entries()
    #expect(entries.count > 100)
    for entry in entries {
      guard entry.words.count == 3 else {
        Issue.record("\(entry) is no Target.Type.function")
        continue
      }
      let found = Self.sources(of: entry.words[0], declaring: entry.words[1])
        .contains { $0.contains("func \(entry.words[2])(") }
      #expect(found, "\(entry) is gone")
      guard let golden = entry.golden else { continue }
      let folder = Self.tests.appendingPathComponent("BuilderTests/Golden/\(golden)/plan.txt")
      #expect(FileManager.default.fileExists(atPath: folder.path), "\(entry):\(golden) is gone")
    }
  }

  @Test("has a test in every row")
  func complete() throws {
    let text = try String(contentsOf: Self.tests.appendingPathComponent("Dockerfile-features.md"), encoding: .utf8)
    for row in text.split(separator: "\n") where row.hasPrefix("| ") && !row.hasSuffix(" | Tests |") {
      #expect(row.hasSuffix("` |"), "\(row)")
    }
  }
}
