import Diagnostics
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Git

@Suite("object files")
struct ObjectFileTests {
  private func write(_ contents: [[UInt8]], to path: FilePath) throws -> [ObjectID] {
    let writer = try ObjectFileWriter(path: path, format: .sha1)
    var names: [ObjectID] = []
    for content in contents {
      try writer.beginObject(.blob, size: Int64(content.count))
      try content.withUnsafeBytes { try writer.write($0) }
      names.append(try writer.endObject())
    }
    try writer.finish()
    return names
  }

  @Test("find every object again, also those larger than the buffer")
  func found() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let path = FilePath(folder.path("objects"))
    let contents = (0..<2000).map { Array("object \($0)".utf8) } + [[UInt8](repeating: 9, count: 3_000_000), []]
    let names = try write(contents, to: path)
    let file = try ObjectFile(path: path)
    #expect(file.count == 2002)
    for (name, content) in zip(names, contents) {
      let object = try #require(try file.find(name))
      #expect(try object.contents(limit: .mebibytes(4)) == content)
    }
  }

  @Test("are refused when the index or the data is not what was written")
  func damaged() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let path = FilePath(folder.path("objects"))
    _ = try write([Array("one".utf8), Array("two".utf8)], to: path)
    let index = URL(fileURLWithPath: path.string + ".index")
    let whole = try Data(contentsOf: index)
    func refusal() -> String? {
      do throws(Failure) {
        _ = try ObjectFile(path: path)
        return nil
      } catch { return error.reason }
    }
    #expect(refusal() == nil)
    for end in stride(from: 0, to: whole.count, by: 13) {
      try whole.prefix(end).write(to: index)
      #expect(refusal() == "git-store-corrupt")
    }
    for place in stride(from: 0, to: whole.count, by: 17) {
      var changed = whole
      changed[place] ^= 1
      try changed.write(to: index)
      #expect(refusal() == "git-store-corrupt")
    }
    try whole.write(to: index)
    try Data("onetw".utf8).write(to: URL(fileURLWithPath: path.string))
    #expect(refusal() == "git-store-corrupt")
    try FileManager.default.removeItem(at: index)
    #expect(refusal() == "file-not-found")
  }

  @Test("are not written over, and hold what was announced or nothing")
  func order() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let path = FilePath(folder.path("objects"))
    let writer = try ObjectFileWriter(path: path, format: .sha1)
    #expect(throws: Failure.self) { try ObjectFileWriter(path: path, format: .sha1) }
    try writer.beginObject(.blob, size: 2)
    #expect(throws: Failure.self) { try writer.endObject() }
    #expect(throws: Failure.self) { try writer.finish() }
    #expect(throws: Failure.self) { try [1, 2, 3].withUnsafeBytes { try writer.write($0) } }
    writer.discard()
    #expect(!FileManager.default.fileExists(atPath: path.string))
  }
}
