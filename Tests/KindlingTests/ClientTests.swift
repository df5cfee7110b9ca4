import Diagnostics
import Foundation
import NIOCore
import SystemPackage
import Testing

@testable import kindling

@Suite("What the server writes back")
struct ClientTests {
  @Test("lines are whole, however the bytes were cut", arguments: [1, 2, 3, 7, 100])
  func lines(size: Int) {
    let text = "{\"a\":1}\n\n{\"b\":\"é\"}\nlast"
    var splitter = LineSplitter()
    var lines: [String] = []
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: size) {
      let piece = ByteBuffer(bytes: bytes[start..<min(bytes.count, start + size)])
      lines += splitter.lines(in: piece).map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(lines == ["{\"a\":1}", "{\"b\":\"é\"}"])
  }

  @Test("a letter is read back with hint and cause parted from its message")
  func letter() {
    let body = """
      {"code":5,"message":"build 'x' not found: no row; see: kindling build list","details":[{"@type":"t",
      "reason":"build-not-found","metadata":{"hint":"see: kindling build list","cause":"no row"}}]}
      """
    let failure = ServerLetter.failure(status: 404, body: Data(body.utf8))
    #expect(
      failure
        == Failure(
          .notFound,
          reason: "build-not-found",
          "build 'x' not found",
          hint: "see: kindling build list",
          cause: "no row"
        )
    )
  }

  @Test(
    "what is no letter is told by its status",
    arguments: [
      (401, .unauthenticated), (403, .permissionDenied), (404, .notFound), (503, .unavailable), (413, .invalidArgument),
      (500, .unknown),
    ]
      as [(Int, Code)]
  )
  func noLetter(status: Int, code: Code) {
    let failure = ServerLetter.failure(status: status, body: Data("<html>no</html>".utf8))
    #expect(failure.code == code)
    #expect(failure.cause == "<html>no</html>")
  }

  @Test("a stream's last line may be a failure; an event is none")
  func streamEnd() {
    #expect(ServerLetter.streamFailure(Data(#"{"error":{"code":13,"message":"m"}}"#.utf8))?.code == .internal)
    #expect(ServerLetter.streamFailure(Data(#"{"sequence":1,"at":0,"kind":{"kind":"queued"}}"#.utf8)) == nil)
  }

  @Test("programs get failures as one JSON object")
  func json() {
    let failure = Failure(.notFound, reason: "build-not-found", "no build", hint: "look")
    #expect(
      Complaint.json(failure)
        == #"{"code":5,"hint":"look","message":"no build","reason":"build-not-found","status":"NOT_FOUND"}"#
    )
  }

  @Test(
    "who speaks JSON is seen before anything is parsed",
    arguments: [
      ("-o json", true), ("--output json", true), ("--output=json", true), ("-ojson", true), ("-o table", false),
      ("json", false),
    ]
  )
  func wantsJSON(words: String, expected: Bool) {
    #expect(Complaint.wantsJSON(words.split(separator: " ").map(String.init)) == expected)
  }

  @Test("references survive a query", arguments: [("a/b:1", "a/b:1"), ("a b&c=d#e+f", "a%20b%26c%3Dd%23e%2Bf")])
  func escaped(text: String, expected: String) { #expect(ImageImportCommand.escaped(text) == expected) }
}

@Suite("Packing a context")
struct ContextArchiveTests {
  /// A directory that goes away with the value.
  final class Folder {
    let path = FilePath(NSTemporaryDirectory()).appending("kindling-test-\(UUID().uuidString)")
    init(_ files: [String: String]) throws {
      for (name, text) in files {
        let url = URL(fileURLWithPath: path.appending(name).string)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
      }
    }
    deinit { try? FileManager.default.removeItem(atPath: path.string) }
  }

  @Test("leaves out what the contract names, at any depth, and says so")
  func leavesOut() async throws {
    let folder = try Folder([
      "Dockerfile": "FROM scratch\n", "src/main.swift": "x", ".git/HEAD": "x", "web/node_modules/a/b.js": "x",
      "target/out": "x",
      "docs/target.txt": "x",
    ])
    let archive = try await ContextArchive.make(of: folder.path)
    defer { archive.remove() }
    #expect(Set(archive.leftOut) == [".git", "web/node_modules", "target"])
    #expect(archive.note?.hasPrefix("left out: ") == true)
    #expect(archive.size == ByteCount(Int64(try archive.bytes().count)))
    #expect(try archive.bytes().starts(with: [0x1f, 0x8b]))
  }

  @Test("a slip is told before anything is packed")
  func slips() throws {
    let folder = try Folder(["Dockerfile": "FROM scratch\n", "sub/Dockerfile.dev": "x"])
    let reasons: [(FilePath, String, String?)] = [
      (folder.path, "Dockerfile", nil), (folder.path, "sub/Dockerfile.dev", nil),
      (folder.path, "nope", "dockerfile-missing"),
      (folder.path, "../x", "dockerfile-outside-context"), (folder.path, "/etc/passwd", "dockerfile-outside-context"),
      (folder.path.appending("none"), "Dockerfile", "context-missing"),
      (folder.path.appending("Dockerfile"), "Dockerfile", "context-not-a-directory"),
    ]
    for (directory, dockerfile, reason) in reasons {
      do {
        try ContextArchive.check(directory, dockerfile: dockerfile)
        #expect(reason == nil, "\(directory) \(dockerfile)")
      } catch { #expect(error.reason == reason) }
    }
  }

  @Test("what cannot be packed leaves no temporary file behind")
  func cleansUp() async throws {
    let folder = try Folder(["kept": ""])
    await #expect(throws: Failure.self) { try await ContextArchive.make(of: "/nowhere/at/all", in: folder.path) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path.string) == ["kept"])
  }
}
