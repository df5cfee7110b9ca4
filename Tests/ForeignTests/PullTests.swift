import Foundation
import TestSupport
import Testing

@Suite("FROM images of other registries")
struct PullTests {
  @Test("a base is fetched once, looked up again by its tag alone, and serves when its registry is gone")
  func pullOnce() async throws {
    try await withServer { server, folder in
      let registry = try await ForeignServer.docker(in: folder)
      try await fill(registry, server, folder)
      try folder.write("FROM \(registry.host)/acme/base:1\nRUN echo built > /made\n", to: "app/Dockerfile")
      let first = try await server.kindling(["build", folder.path("app"), "--name", "first"])
      #expect(first.status == 0, "\(first.all)")
      let place = "/v2/dev/\(registry.host.replacingOccurrences(of: ":", with: "-"))/acme/base/manifests/1"
      let kept = try await server.http("GET", place, token: server.token)
      #expect(kept.status == 200)
      registry.stop()
      let second = try await server.kindling(["build", folder.path("app"), "--name", "second", "--no-cache"])
      #expect(second.status == 0, "\(second.all)")
    }
  }

  @Test("a private base that one organisation may fetch is not another's")
  func isolation() async throws {
    try await withServer { server, folder in
      let users = try await Tool("htpasswd").run(["-Bbn", "me", "sesame"])
      try folder.write(users.output, to: "users")
      let registry = try await ForeignServer.docker(
        in: folder, more: "auth:\n  htpasswd: {realm: here, path: \(folder.path("users"))}")
      defer { registry.stop() }
      try await fill(registry, server, folder, credentials: "me:sesame")
      try folder.write("FROM \(registry.host)/acme/base:1\nRUN echo built > /made\n", to: "app/Dockerfile")
      let body =
        #"{"registryCredentials": {"http://\#(registry.host)/v2/": "{\"username\":\"me\",\"password\":\"sesame\"}"}}"#
      let token = try await server.token(of: "rich")
      let saved = try await server.http("PUT", "/v1/ignite/builds/secrets", body: body, token: token)
      #expect(saved.status == 200, "\(saved)")
      let build = ["build", folder.path("app"), "--name", "app", "--org-name"]
      let allowed = try await server.kindling(build + ["rich"])
      #expect(allowed.status == 0, "\(allowed.all)")
      let denied = try await server.kindling(build + ["poor"])
      #expect(denied.status != 0 && denied.error.contains("needs a name and a password"), "\(denied.all)")
      #expect(!(allowed.all + denied.all).contains("sesame"))
    }
  }

  @Test("with --push-external an image also goes where its build asks for it, with the organisation's credentials")
  func pushExternal() async throws {
    try await withServer(["--push-external"]) { server, folder in
      let users = try await Tool("htpasswd").run(["-Bbn", "me", "sesame"])
      try folder.write(users.output, to: "users")
      let registry = try await ForeignServer.docker(
        in: folder, more: "auth:\n  htpasswd: {realm: here, path: \(folder.path("users"))}")
      defer { registry.stop() }
      try await server.importBusybox()
      let api = HTTPAPI(server)
      let archive = try await Tree.inline(dockerfile: "FROM busybox\nRUN echo built > /made\n", in: folder)
      let order: JSON = [
        "name": "app", "zippedCode": archive, "registry": .string("http://" + registry.host), "repository": "out/app",
        "tags": ["1", "latest"],
      ]
      let refusal = try await api.built(order).build
      #expect(refusal["status"] == "BUILD_STATUS_FAILED", "\(refusal)")
      let saved = try await api.call(
        "PUT", "/v1/ignite/builds/secrets", ["registryCredentials": [registry.host: "me:sesame"]])
      #expect(saved.status == 200, "\(saved)")
      let build = try await api.built(order).build
      #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(build)")
      let names = ["1", "latest"].map { "\(registry.host)/out/app:\($0)" }
      #expect(Array(build["imageRefs"].array.suffix(2)) == names.map { .string($0) }, "\(build)")
      // Without a repository it is the build's own; one that no registry takes is found before the work.
      var named = order
      named["repository"] = ""
      let own = try await api.built(named).build
      #expect(own["imageRefs"].array.last == .string("\(registry.host)/dev/app:latest"), "\(own)")
      named["repository"] = "Out/App"
      let (odd, log) = try await api.built(named)
      #expect(odd["status"] == "BUILD_STATUS_FAILED" && !log.contains { $0.hasPrefix("#1 ") }, "\(log)")
      for tag in ["1", "latest"] {
        let seen = try await Tool("skopeo").run([
          "inspect", "--tls-verify=false", "--creds", "me:sesame", "docker://\(registry.host)/out/app:\(tag)",
        ])
        #expect(seen.status == 0, "\(seen.all)")
      }
    }
  }

  @Test("with the network switched off a missing base is named with the way to import it")
  func offline() async throws {
    try await withServer(["--network", "none"]) { server, folder in
      try folder.write("FROM 192.0.2.1/acme/base:1\nRUN echo built > /made\n", to: "app/Dockerfile")
      let built = try await server.kindling(["build", folder.path("app"), "--name", "app"])
      #expect(built.status != 0)
      #expect(built.error.contains("the network is switched off"), "\(built.all)")
      #expect(built.error.contains("kindling image import 192.0.2.1/acme/base:1"), "\(built.all)")
    }
  }

  /// Puts the busybox image into the registry, out of the server's own.
  private func fill(
    _ registry: ForeignServer, _ server: ServerProcess, _ folder: TemporaryFolder, credentials: String? = nil
  ) async throws {
    try await server.importBusybox()
    var flags = ["--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"]
    if let credentials { flags += ["--dest-creds", credentials] }
    let copied = try await Tool("skopeo").run(
      flags + ["docker://\(server.ready.registry)/dev/busybox:latest", "docker://\(registry.host)/acme/base:1"])
    try #require(copied.status == 0, "\(copied.all)")
  }
}
