import Archive
import Diagnostics
import Foundation
import OCI
import SystemPackage
import Testing

@testable import kindling

@Suite("Contexts that were sent before")
struct SentContextsTests {
  private func memory() -> SentContexts {
    SentContexts(folder: FilePath(NSTemporaryDirectory()).appending("kindling-sent-\(UUID().uuidString)/contexts"))
  }
  private let look = Digest(sha256Of: [1])
  private let server = Endpoint(host: "localhost", port: 1)

  @Test("one is known for the same directory at the same server as long as it looks the same")
  func known() {
    let sent = memory()
    defer { try? FileManager.default.removeItem(atPath: sent.folder.removingLastComponent().string) }
    #expect(sent.contextID(of: "/srv/app", at: server, look) == nil)
    sent.remember("ctx_1", of: "/srv/app", at: server, look)
    #expect(sent.contextID(of: "/srv/app", at: server, look) == "ctx_1")
    #expect(sent.contextID(of: "/srv/./app/", at: server, look) == "ctx_1")
    #expect(sent.contextID(of: "/srv/app", at: server, Digest(sha256Of: [2])) == nil)
    #expect(sent.contextID(of: "/srv/other", at: server, look) == nil)
    #expect(sent.contextID(of: "/srv/app", at: Endpoint(host: "localhost", port: 2), look) == nil)
    sent.remember("ctx_2", of: "/srv/app", at: server, Digest(sha256Of: [2]))
    #expect(sent.contextID(of: "/srv/app", at: server, look) == nil)
  }

  @Test("a file that is torn, or that another version wrote, is not believed", arguments: [0, 10, 24, 90, 95])
  func torn(count: Int) throws {
    let sent = memory()
    defer { try? FileManager.default.removeItem(atPath: sent.folder.removingLastComponent().string) }
    sent.remember("ctx_1", of: "/srv/app", at: server, look)
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: sent.folder.string).first)
    let file = URL(fileURLWithPath: sent.folder.appending(name).string)
    try Data(contentsOf: file).prefix(count).write(to: file)
    #expect(sent.contextID(of: "/srv/app", at: server, look) == nil)
    #expect(sent.contextID(of: "/srv/app", at: server, look) != "ctx_")
  }

  @Test("no more are kept than a user has directories")
  func bounded() throws {
    let sent = memory()
    defer { try? FileManager.default.removeItem(atPath: sent.folder.removingLastComponent().string) }
    for number in 0..<300 { sent.remember("ctx_\(number)", of: FilePath("/srv/\(number)"), at: server, look) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: sent.folder.string).count == 256)
    #expect(sent.contextID(of: "/srv/299", at: server, look) == "ctx_299")
  }

  @Test("a directory is read as the tar its packer makes, in pieces of any size", arguments: [1000, 1 << 20])
  func stream(size: Int) throws {
    let folder = try ContextArchiveTests.Folder([
      "a": "one", "b/c": String(repeating: "two", count: 100_000), ".git/HEAD": "x",
    ])
    let whole = BytesWriter()
    let tar = TarWriter(into: whole)
    _ = try DirectoryPacker(directory: folder.path).pack(into: tar, skip: ContextArchive.leavesOut)
    try tar.finish()
    let stream = try DirectoryStream(of: folder.path)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
    defer { buffer.deallocate() }
    var bytes: [UInt8] = []
    while case let count = try stream.read(into: buffer), count > 0 { bytes += buffer.prefix(count) }
    #expect(bytes == whole.bytes)
  }

  @Test("what cannot be packed is told, and never reads as the end of an archive")
  func failure() throws {
    let stream = try DirectoryStream(of: "/nowhere/at/all")
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1000, alignment: 16)
    defer { buffer.deallocate() }
    #expect(throws: Failure.self) { _ = try stream.read(into: buffer) }
  }
}
