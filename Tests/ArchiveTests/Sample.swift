import Archive
import Diagnostics
import Foundation
import SystemPackage
import Testing

/// Bytes to test with, and other people's programs.
enum Sample {
  /// Words in an order that repeats only late: shrinks to about a third, as source text does.
  static func text(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count { bytes += page }
    return Array(bytes.prefix(count))
  }

  /// 64 KiB of text: further back than deflate looks.
  private static let page: [UInt8] = {
    var random = SplitMix(state: 7)
    let words = ["layer ", "blob ", "digest\n", "kindling ", "tar ", "0x1f8b ", "of the ", "manifest\n"]
    var text = ""
    while text.utf8.count < 64 << 10 { text += words[Int(random.next() % 8)] }
    return Array(text.utf8.prefix(64 << 10))
  }()

  /// Bytes that don't shrink.
  static func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = SplitMix(state: seed)
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBytes { buffer in
      for offset in stride(from: 0, to: count - 7, by: 8) {
        buffer.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
      }
    }
    return bytes
  }

  /// What a program prints when fed `input`; its failing fails the test.
  @discardableResult
  static func run(_ command: [String], input: [UInt8] = [], in directory: FilePath? = nil) throws -> [UInt8] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory.string) }
    let (stdin, stdout) = (Pipe(), Pipe())
    process.standardInput = stdin
    process.standardOutput = stdout
    try process.run()
    let feeding = Thread {
      try? stdin.fileHandleForWriting.write(contentsOf: Data(input))
      try? stdin.fileHandleForWriting.close()
    }
    feeding.start()
    let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(command.joined(separator: " "))")
    return Array(output)
  }

  /// Calls `body` with an empty directory that is removed afterwards.
  static func withDirectory<Result>(_ body: (FilePath) throws -> Result) throws -> Result {
    let url = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent("archive-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(FilePath(url.path))
  }

  static func write(_ bytes: [UInt8], to path: FilePath) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path.string))
  }

  static func read(_ path: FilePath) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path.string)))
  }

  /// Whether two arrays are equal; the operator takes seconds for megabytes in a debug build.
  static func same(_ a: [UInt8], _ b: [UInt8]) -> Bool { Data(a) == Data(b) }

  /// The reason of the failure `body` throws; nil when it throws none.
  static func reason(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return (error as? Failure)?.reason ?? "\(error)"
    }
  }
}

/// A small generator with a seed, so that every run tests the same bytes.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
