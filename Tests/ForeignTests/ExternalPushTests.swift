import Foundation
import TestSupport
import Testing

/// `--push-external` to Debian's docker-registry over TLS, with a password.
@Suite("Pushing elsewhere") struct ExternalPushTests {
  @Test(
    "over TLS with a saved password: every form of it, and a wrong one fails the build, moves no tag and is not told")
  func passwordAndTLS() async throws {
    try await withTemporaryFolder { folder in
      let certificate = try await certificate(in: folder)
      try folder.write(try await Tool("htpasswd").run(["-Bbn", "me", "sesame-street"]).output, to: "users")
      let registry = try await ForeignServer.docker(
        in: folder, http: "  tls: {certificate: \(certificate).pem, key: \(certificate).key}",
        more: "auth:\n  htpasswd: {realm: here, path: \(folder.path("users"))}")
      defer { registry.stop() }
      let server = try await ServerProcess(
        data: folder.path("data"), flags: ["--push-external", "--builder", "scripted"],
        launcher: ["/usr/bin/env", "SSL_CERT_FILE=\(certificate).pem", ServerProcess.binary])
      do { try await push(to: registry, server, folder) } catch {
        await server.stop()
        throw error
      }
      await server.stop()
    }
  }

  private func push(to registry: ForeignServer, _ server: ServerProcess, _ folder: TemporaryFolder) async throws {
    let api = HTTPAPI(server)
    let archive = try await Tree.inline(dockerfile: Tree.scratch, in: folder)
    let encoded = Data("me:sesame-street".utf8).base64EncodedString()
    let forms = [#"{"username":"me","password":"sesame-street"}"#, encoded, "me:sesame-street"]
    for (index, form) in (forms + ["me:wrong-horse"]).enumerated() {
      try await server.kindling(
        ["build", "secrets", "set", "--registry", "https://\(registry.host)/v2/=@" + (try value(form, folder))]
      ).expectSuccess()
      let (build, log) = try await api.built([
        "name": "app", "tags": [.string("t\(index)")], "zippedCode": archive,
        "registry": .string(registry.host), "repository": "out/app",
      ])
      let said = build.text + log.joined()
      #expect(!said.contains("sesame-street") && !said.contains("wrong-horse") && !said.contains(encoded), "\(said)")
      guard index < forms.count else {
        #expect(build["status"] == "BUILD_STATUS_FAILED", "\(build.text)")
        #expect(build["error"].string?.contains("could not be pushed to '\(registry.host)'") == true, "\(build.text)")
        #expect(try await api.call("GET", "/v2/dev/app/manifests/t\(index)").status == 404)
        continue
      }
      #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(build.text)")
      #expect(
        build["imageRefs"] == [
          .string("\(server.ready.registry)/dev/app:t\(index)"), .string("\(registry.host)/out/app:t\(index)"),
        ], "\(build.text)")
      let seen = try await Tool("skopeo").run([
        "inspect", "--raw", "--tls-verify=false", "--creds", "me:sesame-street",
        "docker://\(registry.host)/out/app:t\(index)",
      ])
      #expect(seen.status == 0, "\(seen.all)")
    }
  }

  private func value(_ text: String, _ folder: TemporaryFolder) throws -> String {
    try folder.write(text + "\n", to: "value")
    return folder.path("value")
  }

  /// A certificate for 127.0.0.1 that vouches for itself; the path without its ending.
  private func certificate(in folder: TemporaryFolder) async throws -> String {
    let path = folder.path("server")
    try await Tool("openssl").run([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
      "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", path + ".key", "-out",
      path + ".pem",
    ]).expectSuccess()
    return path
  }
}
