import Foundation
import TestSupport
import Testing

@Suite("The cache")
struct CacheTests {
  static let dockerfile = """
    FROM busybox
    RUN echo first
    COPY a /a
    RUN echo second
    COPY b /b
    RUN echo third
    """

  /// Which of the three commands ran.
  private func ran(_ built: Kitchen.Built) -> [String] {
    ["first", "second", "third"].filter { built.printed.contains($0) }
  }

  @Test("gives what has not changed, and only that")
  func changes() async throws {
    try await Kitchen.run { kitchen in
      try kitchen.folder.write("a", to: "app/a")
      try kitchen.folder.write("b", to: "app/b")
      let first = try await kitchen.build(Self.dockerfile)
      #expect(first.succeeded, "\(first.log)")
      #expect(ran(first) == ["first", "second", "third"])
      let again = try await kitchen.build(Self.dockerfile)
      #expect(ran(again) == [])
      // A time alone is no change.
      let past = [FileAttributeKey.modificationDate: Date(timeIntervalSince1970: 86_400)]
      try FileManager.default.setAttributes(past, ofItemAtPath: kitchen.folder.path("app/a"))
      #expect(ran(try await kitchen.build(Self.dockerfile)) == [])
      try kitchen.folder.write("B", to: "app/b")
      #expect(ran(try await kitchen.build(Self.dockerfile)) == ["third"])
      try kitchen.folder.write("A", to: "app/a")
      #expect(ran(try await kitchen.build(Self.dockerfile)) == ["second", "third"])
      #expect(ran(try await kitchen.build(Self.dockerfile, ["--no-cache"])) == ["first", "second", "third"])
      // Mode is content.
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: kitchen.folder.path("app/b"))
      #expect(ran(try await kitchen.build(Self.dockerfile)) == ["third"])
    }
  }

  @Test("belongs to one organisation")
  func organizations() async throws {
    try await Kitchen.run { kitchen in
      let dockerfile = "FROM scratch\nCOPY file /file\n"
      try kitchen.folder.write("x", to: "app/file")
      let own = try await kitchen.build(dockerfile)
      #expect(own.succeeded, "\(own.log)")
      #expect(try await kitchen.build(dockerfile).log.lowercased().contains("cached"))
      let token = try await kitchen.server.token(of: "other")
      let other = try await kitchen.build(dockerfile, ["--token", token])
      #expect(other.succeeded, "\(other.log)")
      #expect(!other.log.lowercased().contains("cached"), "\(other.log)")
    }
  }
}
