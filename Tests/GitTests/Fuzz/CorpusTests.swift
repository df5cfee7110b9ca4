import Foundation
import Fuzz
import SystemPackage
import TestSupport
import Testing

@Suite("the corpus of the fuzzer")
struct CorpusTests {
  private static let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Fuzz/Corpus").standardizedFileURL

  @Test("is read to its end, by every reader, without a trap")
  func replay() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let files = try FileManager.default.contentsOfDirectory(at: Self.corpus, includingPropertiesForKeys: nil)
    #expect(files.count >= 21)
    for file in files {
      let input = try Array(Data(contentsOf: file))
      for reader in 0..<FuzzInput.readers {
        FuzzInput.run([reader] + input.dropFirst(), scratch: FilePath(folder.path))
      }
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(left.isEmpty, "\(file.lastPathComponent) left \(left)")
    }
  }
}
