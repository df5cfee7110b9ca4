import Foundation
import OCI
import TestSupport
import Testing

@Suite("The same image again")
struct ReproducibleTests {
  /// Copies only what has a time of its own.
  private static let copies = "FROM busybox\nCOPY file dir /\nADD x.tar /\nLABEL a=b\n"
  private static let commands =
    copies + "WORKDIR /made\nCOPY <<E /made/deep/note\nx\nE\nRUN date > /dev/null; touch /made/now\n"

  /// Builds on a server of its own, started for it.
  private func build(_ dockerfile: String, in folder: TemporaryFolder, _ flags: [String] = []) async throws -> (
    digest: String, layers: [String], created: String?
  ) {
    let server = try await ServerProcess(data: folder.path("data-\(UUID().uuidString)"))
    do {
      try await server.importBusybox()
      let kitchen = Kitchen(server: server, folder: folder)
      let built = try await kitchen.build(dockerfile, flags)
      try #require(built.succeeded, "\(built.log)")
      #expect(!built.log.contains("no ARG declares"), "\(built.log)")
      let raw = try await Tool("skopeo").run(
        ["inspect", "--tls-verify=false", "docker://\(server.ready.registry)/dev/app:latest"])
      struct Seen: Decodable {
        var digest: String
        var layers: [String]
        var created: String?
        enum CodingKeys: String, CodingKey { case digest = "Digest", layers = "Layers", created = "Created" }
      }
      let seen = try JSONDecoder().decode(Seen.self, from: Data(raw.output.utf8))
      await server.stop()
      return (seen.digest, seen.layers, seen.created)
    } catch {
      await server.stop()
      throw error
    }
  }

  @Test("what is copied makes equal layers on two servers without being asked, and all of it under SOURCE_DATE_EPOCH")
  func twice() async throws {
    try await withTemporaryFolder { folder in
      try folder.write("file", to: "app/file")
      try folder.write("in", to: "app/dir/in")
      let packed = try await Tool("tar").run(
        ["-C", folder.path("app"), "--mtime=@1000000000", "-cf", folder.path("app/x.tar"), "dir"])
      try #require(packed.status == 0, "\(packed.all)")
      let epoch = ["--build-arg", "SOURCE_DATE_EPOCH=1234567890"]
      let first = (
        free: try await build(Self.copies, in: folder), dated: try await build(Self.commands, in: folder, epoch)
      )
      let now = [FileAttributeKey.modificationDate: Date()]
      let second = (
        free: try await build(Self.copies, in: folder),
        dated: try await {
          // A fresh checkout: the same files, newer.
          try FileManager.default.setAttributes(now, ofItemAtPath: folder.path("app/file"))
          return try await build(Self.commands, in: folder, epoch)
        }()
      )
      #expect(first.free.layers == second.free.layers)
      #expect(first.dated.digest == second.dated.digest)
      #expect(first.dated.created == "2009-02-13T23:31:30Z")
    }
  }

  @Test("a moment that is no number fails the build before it begins")
  func invalid() async throws {
    try await Kitchen.run { kitchen in
      let built = try await kitchen.build("FROM busybox\n", ["--build-arg", "SOURCE_DATE_EPOCH=yesterday"])
      #expect(!built.succeeded && built.log.contains("is not a number of seconds since 1970"), "\(built.log)")
    }
  }
}
