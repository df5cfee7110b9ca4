import Foundation
import TestSupport
import Testing

/// Knowing a digest is not having its bytes: the ways by which one organisation could name another's content.
@Suite("Organisations are kept apart")
struct IsolationTests {
  /// The digest of the only layer of the default organisation's base.
  private func layer(of server: ServerProcess, in folder: TemporaryFolder) async throws -> String {
    try await Skopeo.copy(from: "docker://\(server.ready.registry)/dev/busybox:latest", to: "dir:\(folder.path("dir"))")
    let manifest = try folder.read("dir/manifest.json")
    let layers = try #require(manifest.range(of: "\"layers\"")).upperBound
    let digest = try #require(manifest[layers...].range(of: "sha256:[0-9a-f]{64}", options: .regularExpression))
    return String(manifest[digest])
  }

  @Test("an import cannot bring in a layer that its archive does not hold")
  func importing() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      let digest = try await layer(of: server, in: folder)
      try await Skopeo.copy(
        from: "docker://\(server.ready.registry)/dev/busybox:latest", to: "oci:\(folder.path("layout")):latest")
      try FileManager.default.removeItem(
        atPath: folder.path("layout/blobs/sha256/\(digest.dropFirst("sha256:".count))"))
      let result = try await server.kindling([
        "image", "import", "mine:v1", folder.path("layout"), "--org-name", "acme",
      ])
      #expect(result.status == 2 && result.error.contains("which it does not hold"), "\(result.all)")
      #expect(try await Leftovers.tags(of: "mine", server) == nil)
    }
  }

  @Test("a manifest that names a foreign layer is no way to read it by FROM")
  func building() async throws {
    try await withServer(["--registry-auth"]) { server, folder in
      let rootfs = try await Busybox.shared.archive()
      try await server.kindling(["image", "import", "busybox:latest", rootfs]).expectSuccess()
      let token = try await server.token(of: "acme")
      // A layer of a foreign type need not be there when its manifest is pushed (image-spec, non-distributable layers).
      let stolen = try #require(
        try FileManager.default.contentsOfDirectory(atPath: server.data + "/oci/blobs/sha256")
          .max { size(of: $0, server) < size(of: $1, server) })
      let config = #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:\#(stolen)"]}}"#
      let name = try await push(config, token, server)
      let manifest = """
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":\
        "application/vnd.oci.image.config.v1+json","digest":"\(name)","size":\(config.utf8.count)},"layers":[{"mediaType":\
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip","digest":"sha256:\(stolen)",\
        "size":\(size(of: stolen, server)),"urls":["http://127.0.0.1/x"]}]}
        """
      let put = try await server.http(
        "PUT", "/v2/acme/trick/manifests/v1", body: manifest, token: token,
        headers: ["Content-Type: application/vnd.oci.image.manifest.v1+json"])
      try #require(put.status == 201, "\(put)")
      try folder.write("FROM trick:v1\nLABEL a=b\n", to: "app/Dockerfile")
      let built = try await server.kindling(["build", folder.path("app"), "--name", "got", "--org-name", "acme"])
      #expect(built.status == 1 && built.error.contains("is not in the local registry"), "\(built.all)")
      let blob = try await server.http("GET", "/v2/acme/got/blobs/sha256:\(stolen)", token: token)
      #expect(blob.status == 404)
    }
  }

  private func size(of name: String, _ server: ServerProcess) -> Int {
    let path = server.data + "/oci/blobs/sha256/" + name
    return (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
  }

  private func push(_ blob: String, _ token: String, _ server: ServerProcess) async throws -> String {
    let sum = try await Tool("sha256sum").run([], input: Data(blob.utf8))
    let digest = "sha256:" + sum.output.prefix(64)
    let answer = try await server.http(
      "POST", "/v2/acme/trick/blobs/uploads/?digest=\(digest)", body: blob, token: token,
      headers: ["Content-Type: application/octet-stream"])
    try #require(answer.status == 201, "\(answer)")
    return digest
  }
}
