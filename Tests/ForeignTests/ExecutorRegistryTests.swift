import Foundation
import TestSupport
import Testing

/// The executor's registry flags against Debian's docker-registry under names that are not loopback's, so that nothing
/// is trusted unasked.
@Suite("executor and registries") struct ExecutorRegistryTests {
  private static let name = "registry.example.test"

  /// A certificate authority, a server certificate for the name above, and one for a client.
  private struct Keys {
    let authority: String
    let server: (certificate: String, key: String)
    let client: (certificate: String, key: String)

    init(in folder: TemporaryFolder) async throws {
      func made(_ name: String, _ subject: String, _ extra: String) async throws -> (certificate: String, key: String) {
        let path = folder.path(name)
        let script = """
          openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=\(subject)' -keyout \(path).key \\
            -out \(path).csr
          printf '\(extra)' > \(path).ext
          openssl x509 -req -in \(path).csr -CA \(folder.path("ca")).pem -CAkey \(folder.path("ca")).key -CAcreateserial -days 2 \\
            -extfile \(path).ext -out \(path).pem
          """
        try await Tool("/bin/sh").succeed(["-ec", script])
        return (path + ".pem", path + ".key")
      }
      try await Tool("openssl").succeed([
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
        "/CN=authority", "-keyout", folder.path("ca.key"), "-out", folder.path("ca.pem"),
      ])
      authority = folder.path("ca.pem")
      server = try await made("server", ExecutorRegistryTests.name, "subjectAltName=DNS:\(ExecutorRegistryTests.name)")
      client = try await made("client", "me", "extendedKeyUsage=clientAuth")
    }
  }

  /// The digest the registry has for a name, asked past all names and certificates.
  private func digest(_ reference: String, _ more: [String] = []) async throws -> String {
    let seen = try await Tool("skopeo").succeed(
      ["inspect", "--tls-verify=false", "--format", "{{.Digest}}"] + more + ["docker://\(reference)"])
    return seen.lines.first ?? ""
  }

  @Test("a certificate authority is trusted for the registry it is given for, to push and to pull")
  func authority() async throws {
    try await withTemporaryFolder { folder in
      let keys = try await Keys(in: folder)
      let registry = try await ForeignServer.docker(
        in: folder, http: "  tls: {certificate: \(keys.server.certificate), key: \(keys.server.key)}")
      defer { registry.stop() }
      let shop = try await ExecutorWorkshop(ExecutorWorkshop.base + "LABEL is=base\n", in: folder)
      let host = "\(Self.name):\(registry.port)"
      try folder.write("FROM \(host)/dev/base:1\nRUN echo upon\n", to: "ctx/Upon")
      let push = ["-c", "ctx", "-d", "\(host)/dev/base:1", "--digest-file", "d"]
      let pull = ["-c", "ctx", "-f", "Upon", "--no-push"]
      let trust = ["--registry-certificate", "\(host)=\(keys.authority)"]
      for words in [
        [], ["--registry-certificate", "other.example.test=\(keys.authority)"], ["--skip-tls-verify-pull"],
      ] {
        let refused = try await shop.run(push + words, names: [Self.name])
        #expect(refused.status == 1 && refused.error.contains("certificate"), "\(words): \(refused.all)")
      }
      for (tag, words) in [
        ("a", trust), ("b", ["--skip-tls-verify"]), ("c", ["--skip-tls-verify-registry", host]),
        ("d", ["--registry-certificate", "\(Self.name)=\(keys.authority)"]), ("1", trust),
      ] {
        let pushed = try await shop.run(push + words + ["-d", "\(host)/dev/base:\(tag)"], names: [Self.name])
        #expect(pushed.status == 0, "\(words): \(pushed.all)")
        #expect(try await digest("\(registry.host)/dev/base:\(tag)") == folder.read("d"), "\(words)")
      }
      for words in [[], ["--skip-tls-verify"]] {
        let refused = try await shop.run(pull + words, names: [Self.name])
        #expect(refused.status == 1 && refused.error.contains("certificate"), "\(words): \(refused.all)")
      }
      for words in [trust, ["--skip-tls-verify-pull"], ["--skip-tls-verify-registry", host]] {
        let built = try await shop.run(pull + words, names: [Self.name])
        #expect(built.status == 0 && built.output == "upon\n", "\(words): \(built.all)")
      }
    }
  }

  @Test("a client's certificate is shown to the registry it is given for")
  func client() async throws {
    try await withTemporaryFolder { folder in
      let keys = try await Keys(in: folder)
      let registry = try await ForeignServer.docker(
        in: folder,
        http:
          "  tls: {certificate: \(keys.server.certificate), key: \(keys.server.key), clientcas: [\(keys.authority)]}")
      defer { registry.stop() }
      let shop = try await ExecutorWorkshop("FROM scratch\nLABEL is=base\nCOPY Dockerfile /\n", in: folder)
      let host = "\(Self.name):\(registry.port)"
      let push = ["-c", "ctx", "-d", "\(host)/dev/app:1", "--registry-certificate", "\(host)=\(keys.authority)"]
      let refused = try await shop.run(push, names: [Self.name])
      #expect(refused.status == 1, "\(refused.all)")
      let shown = ["--registry-client-cert", "\(host)=\(keys.client.certificate),\(keys.client.key)"]
      let pushed = try await shop.run(push + shown, names: [Self.name])
      #expect(pushed.status == 0, "\(pushed.all)")
      try folder.write("FROM \(host)/dev/app:1\n", to: "ctx/Upon")
      let built = try await shop.run(push + shown + ["-f", "Upon", "--no-push"], names: [Self.name])
      #expect(built.status == 0, "\(built.all)")
    }
  }

  @Test("plain HTTP is spoken where a flag says so, and nowhere else")
  func plain() async throws {
    try await withTemporaryFolder { folder in
      let registry = try await ForeignServer.docker(in: folder)
      defer { registry.stop() }
      let shop = try await ExecutorWorkshop("FROM scratch\nCOPY Dockerfile /\n", in: folder)
      let host = "\(Self.name):\(registry.port)"
      try folder.write("FROM \(host)/dev/app:1\nLABEL a=b\n", to: "ctx/Upon")
      let push = ["-c", "ctx", "-d", "\(host)/dev/app:1"]
      let pull = ["-c", "ctx", "-f", "Upon", "--no-push"]
      for (words, isTaken) in [
        (push, false), (push + ["--insecure-pull"], false), (push + ["--insecure"], true),
        (push + ["--insecure-registry", host], true), (pull, false), (pull + ["--insecure"], false),
        (pull + ["--insecure-pull"], true), (pull + ["--insecure-registry=\(host)"], true),
      ] {
        let result = try await shop.run(words, names: [Self.name])
        #expect((result.status == 0) == isTaken, "\(words): \(result.all)")
      }
    }
  }

  @Test("mirrors and maps are asked in their order, and the registry itself only where that is allowed")
  func mirrors() async throws {
    try await withTemporaryFolder { folder in
      let registry = try await ForeignServer.docker(in: folder)
      defer { registry.stop() }
      let shop = try await ExecutorWorkshop(ExecutorWorkshop.base, in: folder)
      for name in ["library/base", "acme/base", "mirrored/acme/base"] {
        let pushed = try await shop.run(["-c", "ctx", "-d", "\(registry.host)/\(name):1", "--label", "from=\(name)"])
        #expect(pushed.status == 0, "\(pushed.all)")
      }
      let (live, dead) = ("http://\(registry.host)", "http://127.0.0.1:1")
      let only = "--skip-default-registry-fallback"
      let cases: [(from: String, words: [String], label: String?)] = [
        ("base:1", ["--registry-mirror", live, only], "library/base"),
        ("docker.io/acme/base:1", ["--registry-mirror", dead, "--registry-mirror=\(live)", only], "acme/base"),
        ("acme/base:1", ["--registry-mirror", live + "/mirrored", only], "mirrored/acme/base"),
        ("acme/base:1", ["--registry-map", "index.docker.io=\(live)", only], "acme/base"),
        ("acme/base:1", ["--registry-mirror", dead, only], nil),
        (
          "one.example.test/acme/base:1", ["--registry-map", "two.example.test=x;one.example.test=\(live)", only],
          "acme/base"
        ),
        ("\(registry.host)/acme/base:1", ["--registry-map", "\(registry.host)=\(dead)"], "acme/base"),
        ("\(registry.host)/acme/base:1", ["--registry-map", "\(registry.host)=\(dead)", only], nil),
      ]
      for (from, words, label) in cases {
        try folder.write("FROM \(from)\n", to: "ctx/Upon")
        let built = try await shop.run(["-c", "ctx", "-f", "Upon", "--no-push", "--oci-layout-path", "l"] + words)
        #expect((built.status == 0) == (label != nil), "\(from) \(words): \(built.all)")
        guard let label else { continue }
        let seen = try await Tool("skopeo").succeed(["inspect", "oci:" + folder.path("l")])
        #expect(try JSON(text: seen.output)["Labels"]["from"] == .string(label), "\(from) \(words)")
      }
    }
  }

  @Test("files that tell what was built and pushed are Kaniko's, byte for byte")
  func files() async throws {
    try await withTemporaryFolder { folder in
      let registry = try await ForeignServer.docker(in: folder)
      defer { registry.stop() }
      let shop = try await ExecutorWorkshop("FROM scratch\nCOPY Dockerfile /\n", in: folder)
      try FileManager.default.createDirectory(atPath: folder.path("told"), withIntermediateDirectories: true)
      let (one, two) = ("\(registry.host)/acme/app:1", "\(registry.host)/acme/other")
      let pushed = try await shop.run(
        [
          "-c", "ctx", "-d", one, "--destination", two, "--digest-file", "new/folder/digest",
          "--image-name-with-digest-file=name",
        ], environment: ["BUILDER_OUTPUT": folder.path("told")])
      #expect(pushed.status == 0, "\(pushed.all)")
      let digest = try await digest(one)
      #expect(try folder.read("new/folder/digest") == digest)
      #expect(
        try folder.read("name") == "\(registry.host)/acme/app@\(digest)\n\(registry.host)/acme/other@\(digest)\n")
      #expect(
        try folder.read("told/images")
          == #"{"name":"\#(one)","digest":"\#(digest)"}"# + "\n" + #"{"name":"\#(two)","digest":"\#(digest)"}"# + "\n")
      let tagged = try await shop.run(["-c", "ctx", "-d", two, "--image-name-tag-with-digest-file", "tag"])
      #expect(tagged.status == 0, "\(tagged.all)")
      let other = try await self.digest(two + ":latest")
      #expect(try folder.read("tag") == "\(registry.host)/acme/other:latest@\(other)\n")
    }
  }
}
