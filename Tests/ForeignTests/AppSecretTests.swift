import Foundation
import TestSupport
import Testing

/// What apps are made of when it is somebody's own: private repositories and registries, by secret slots.
@Suite("Apps: secrets") struct AppSecretTests {
  private static let draft = "/v1/ignite/app/dev/private/draft"

  private func save(_ value: JSON, as name: String, _ api: HTTPAPI) async throws {
    let saved = try await api.call("POST", "/v1/ignite/secrets", ["name": .string(name), "value": value])
    try #require(saved.status == 200, "\(saved)")
  }

  /// Saves and compiles; the draft afterwards, and the compile's log.
  private func compile(_ image: JSON, _ api: HTTPAPI) async throws -> (draft: JSON, log: String) {
    let saved = try await api.call("POST", Self.draft, ["code": ["image": image]])
    try #require(saved.status == 200, "\(saved)")
    let deploy = try #require(try await api.call("POST", Self.draft + "/compile", [:]).json["deployId"].string)
    let log = try await api.call("GET", "/v1/ignite/compile/\(deploy)/logs").body
    return (try await api.call("GET", Self.draft).json["draft"], log)
  }

  @Test("code of a private repository is fetched with its slot, read at dispatch, and its value is told nowhere")
  func git() async throws {
    var settings = GitServer.Settings()
    settings.users = ["me": "sesame"]
    try await withGitServer(settings) { git in
      try await withServer { server, folder in
        let workshop = try await GitWorkshop(folder.path("workshop"))
        try await workshop.commit(["svc/Dockerfile": Tree.scratch, "svc/who": "main"])
        try await workshop.publish(to: git.folder + "/app.git")
        let api = HTTPAPI(server)
        try await save(["gitSecret": ["username": "me", "token": "wrong-word"]], as: "pat", api)
        let image: JSON = [
          "from_git": ["url": .string(git.url("app.git")), "sub_path": "svc", "secret_ref": "pat"]
        ]
        let refused = try await compile(image, api)
        #expect(refused.draft["status"] == "VERSION_STATUS_FAILED", "\(refused.log)")
        #expect(
          refused.draft["error"].string?.contains("the secret 'pat' was not accepted") == true, "\(refused.draft.text)")
        // Rotated: the draft stays as it is.
        try await save(["gitSecret": ["username": "me", "token": "sesame"]], as: "pat", api)
        let fetched = try await compile(image, api)
        #expect(fetched.draft["status"] == "VERSION_STATUS_COMPILED", "\(fetched.log)")
        #expect(fetched.draft["codeKind"] == "CODE_KIND_GIT_IMAGE")
        // What the organisation saved for its builds is not used where a slot is named, nor the slot for builds.
        let open = try await compile(["from_git": ["url": .string(git.url("app.git")), "sub_path": "svc"]], api)
        #expect(open.draft["status"] == "VERSION_STATUS_FAILED", "\(open.log)")
        let kept = try await Tool("grep").run(["-rlaF", "-e", "wrong-word", "-e", "sesame", server.data])
        #expect(kept.output.isEmpty, "\(kept.output)")
      }
    }
  }

  @Test("an image of a private registry is pulled with its slot; a slot that is gone is told at the next start")
  func registry() async throws {
    try await withServer { server, folder in
      let users = try await Tool("htpasswd").run(["-Bbn", "me", "sesame"])
      try folder.write(users.output, to: "users")
      let registry = try await ForeignServer.docker(
        in: folder, more: "auth:\n  htpasswd: {realm: here, path: \(folder.path("users"))}")
      defer { registry.stop() }
      let local = try await server.buildTestApp("source")
      let text = "\(registry.host)/acme/private:1"
      let copied = try await Tool("skopeo").run([
        "--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", "--dest-creds", "me:sesame",
        "docker://\(local)", "docker://\(text)",
      ])
      try #require(copied.status == 0, "\(copied.all)")
      let api = HTTPAPI(server)
      let alone = try await compile(["prebuilt": ["image_ref": .string(text)]], api)
      #expect(alone.draft["error"].string?.contains("registry_secret_ref") == true, "\(alone.draft.text)")
      let value: JSON = [
        "registrySecret": ["username": "me", "password": "sesame", "serverAddress": .string(registry.host)]
      ]
      try await save(value, as: "pull", api)
      let image: JSON = ["prebuilt": ["image_ref": .string(text), "registry_secret_ref": "pull"]]
      let pulled = try await compile(image, api)
      #expect(pulled.draft["status"] == "VERSION_STATUS_COMPILED", "\(pulled.log)")
      #expect(!pulled.log.contains("sesame"))
      let published = try await api.call("POST", Self.draft + "/publish", [:])
      #expect(published.json["version"] == 1, "\(published)")
      #expect(try await api.call("DELETE", "/v1/ignite/secrets/pull").status == 200)
      let call = try await api.call("POST", "/v1/ignite/app/dev/private/invoke", [:])
      #expect(call.status >= 400 && call.body.contains("secret 'pull' does not exist"), "\(call)")
      try await save(value, as: "pull", api)
    }
  }
}
