import Diagnostics
import Foundation
import OCI
import Outbound
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Remote

@Suite("Debian's docker-registry, filled and read by skopeo")
struct DockerRegistryTests {
  @Test("images of every compression arrive as skopeo pushed them", arguments: ["gzip", "zstd"])
  func pull(compression: String) async throws {
    try await withBench { bench in
      let registry = try await ForeignServer.docker(in: bench.folder)
      defer { registry.stop() }
      let reference = "\(registry.host)/acme/base:1"
      try await fill(registry, reference, bench.folder, compression: compression)
      let image = try await bench.pull(reference)
      #expect(image.layers.count == 1)
      let type = image.layers[0].mediaType.rawValue
      #expect(type.hasSuffix("+" + compression))
      #expect(bench.data.blobs.size(of: image.layers[0].digest)?.bytes == image.layers[0].size)
      let byDigest = try await bench.pull("\(registry.host)/acme/base@\(image.manifest.digest)")
      #expect(byDigest.manifest == image.manifest)
      let name = try RemoteName(try Reference(reference))
      let current = try await bench.images().currentDigest(of: name, credentials: RegistryCredentials())
      #expect(current == image.manifest.digest)
    }
  }

  @Test("a registry with a password lets in who has it, over TLS that somebody vouches for")
  func passwordAndTLS() async throws {
    try await withTemporaryFolder { folder in
      let certificate = try await certificate(in: folder)
      let users = try await Tool("htpasswd").run(["-Bbn", "me", "sesame"])
      try folder.write(users.output, to: "users")
      let registry = try await ForeignServer.docker(
        in: folder, http: "  tls: {certificate: \(certificate).pem, key: \(certificate).key}",
        more: "auth:\n  htpasswd: {realm: here, path: \(folder.path("users"))}")
      defer { registry.stop() }
      let reference = "\(registry.host)/acme/base:1"
      try await fill(registry, reference, folder, credentials: "me:sesame")
      var policy = OutboundPolicy()
      policy.authorities = [FilePath(certificate + ".pem")]
      try await withBench(policy: policy) { bench in
        let image = try await bench.pull(reference, [registry.host: "bWU6c2VzYW1l"])
        #expect(image.layers.count == 1)
        for (credentials, reason) in [
          ([:], "registry-auth-required"), ([registry.host: "me:hunter2"], "registry-auth-refused"),
        ] {
          let failure = await #expect(throws: Failure.self) { try await bench.pull(reference, credentials) }
          #expect(failure?.reason == reason)
          #expect(failure?.description.contains("hunter2") == false)
        }
      }
    }
  }

  @Test(
    "an image is pushed whole, in pieces, with its blobs mounted, and under several names",
    arguments: [64 << 20, 100_000])
  func push(pieceSize: Int64) async throws {
    try await withBench { bench in
      let registry = try await ForeignServer.docker(in: bench.folder)
      defer { registry.stop() }
      try await fill(registry, "\(registry.host)/acme/base:1", bench.folder)
      let image = try await bench.pull("\(registry.host)/acme/base:1")
      let images = bench.images { $0.pieceSize = ByteCount(pieceSize) }
      for (repository, source) in [("other/copy", nil), ("other/mounted", try Repository("acme/base"))] {
        let names = try ["1", "latest"].map { try RemoteName(try Reference("\(registry.host)/\(repository):\($0)")) }
        let pushable = PushableImage(
          manifest: image.manifest, blobs: [image.config] + image.layers, likelySource: source)
        try await images.push(pushable, to: names, credentials: RegistryCredentials())
        try await images.push(pushable, to: names, credentials: RegistryCredentials())
        for name in names {
          let seen = try await Tool("skopeo").run([
            "inspect", "--tls-verify=false", "--format", "{{.Digest}}", "docker://\(name)",
          ])
          #expect(seen.lines == [image.manifest.digest.description], "\(seen.all)")
        }
      }
      let back = try await Tool("skopeo").run([
        "--insecure-policy", "copy", "--src-tls-verify=false", "docker://\(registry.host)/other/copy:1",
        "dir:" + bench.folder.path("back"),
      ])
      #expect(back.status == 0, "\(back.all)")
    }
  }

  /// Pushes an image of one layer with 700 kB of noise.
  private func fill(
    _ registry: ForeignServer, _ reference: String, _ folder: TemporaryFolder, compression: String = "gzip",
    credentials: String? = nil
  ) async throws {
    var noise = SystemRandomNumberGenerator()
    let bytes = Data((0..<700_000).map { _ in UInt8.random(in: 0...255, using: &noise) })
    try folder.write("", to: "root/etc/empty")
    try bytes.write(to: URL(fileURLWithPath: folder.path("root/noise")))
    let layout = folder.path("layout")
    let script = """
      set -e
      umoci init --layout \(layout) && umoci new --image \(layout):1
      tar -C \(folder.path("root")) -cf \(folder.path("layer.tar")) .
      umoci raw add-layer --image \(layout):1 \(folder.path("layer.tar"))
      """
    let made = try await Tool("/bin/sh").run(["-c", script])
    #expect(made.status == 0, "\(made.all)")
    var flags = ["--insecure-policy", "copy", "--dest-tls-verify=false", "--dest-compress-format", compression]
    if let credentials { flags += ["--dest-creds", credentials] }
    let sent = try await Tool("skopeo").run(flags + ["oci:\(layout):1", "docker://\(reference)"])
    #expect(sent.status == 0, "\(sent.all)")
  }

  /// A certificate for 127.0.0.1 that vouches for itself; the path without its ending.
  private func certificate(in folder: TemporaryFolder) async throws -> String {
    let path = folder.path("server")
    let made = try await Tool("openssl").run([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
      "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", path + ".key", "-out",
      path + ".pem",
    ])
    #expect(made.status == 0, "\(made.all)")
    return path
  }
}
