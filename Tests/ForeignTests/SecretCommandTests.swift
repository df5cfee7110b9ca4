import Foundation
import TestSupport
import Testing

/// `kindling secret` against a server, and what builds without a Dockerfile offer.
@Suite("kindling secret") struct SecretCommandTests {
  private static let password = "pa55-w0rd/with+signs"

  @Test("creates, lists, shows, overwrites and deletes")
  func lifetime() async throws {
    try await withServer { server, folder in
      try folder.write(Self.password + "\n", to: "token")
      let none = try await server.kindling(["secret", "list"])
      #expect(none.status == 0 && none.output.isEmpty && none.error.contains("kindling secret create"), "\(none.all)")
      let made = try await server.kindling([
        "secret", "create", "ghcr", "--type", "registry", "--username", "bot", "--password", "@\(folder.path("token"))",
        "--server-address", "ghcr.io",
      ])
      #expect(made.status == 0 && made.output == "saved ghcr (registry_secret)\n", "\(made.all)")
      let git = try await server.kindling([
        "secret", "create", "github", "--type", "git", "--username", "me", "--token", "@\(folder.path("token"))",
      ])
      #expect(git.status == 0 && git.output == "saved github (git_secret)\n", "\(git.all)")
      let list = try await server.kindling(["secret", "list"])
      let lines = list.lines.map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
      #expect(lines == ["NAME TYPE", "ghcr registry_secret", "github git_secret"], "\(list.all)")
      #expect(!list.all.contains(Self.password))
      let shown = try await server.kindling(["secret", "get", "ghcr"])
      #expect(shown.output.contains(Self.password) && shown.output.contains("ghcr.io"), "\(shown.all)")
      let json = try await server.kindling(["secret", "get", "github", "-o", "json"])
      #expect(try JSON(text: json.output)["value"]["gitSecret"]["token"].string == Self.password, "\(json.all)")
      #expect(try await server.kindling(["secret", "delete", "ghcr"]).output == "deleted\n")
      #expect(try await server.kindling(["secret", "delete", "ghcr"]).status == 0)
      let gone = try await server.kindling(["secret", "get", "ghcr"])
      #expect(gone.status == 5 && gone.error.contains("kindling secret create ghcr"), "\(gone.all)")
      let theirs = try await server.kindling(["secret", "get", "github", "--org-name", "acme"])
      #expect(theirs.status == 5, "\(theirs.all)")
    }
  }

  @Test("refuses what makes no secret, and never repeats a value")
  func refusals() async throws {
    try await withServer { server, _ in
      for words in [
        ["x", "--type", "registry", "--username", "u"], ["x", "--type", "git"], ["x", "--type", "other"], ["x"],
        ["x", "--type", "git", "--token", "t", "--password", Self.password],
        ["a b", "--type", "git", "--token", Self.password],
        ["x", "--type", "registry", "--username", "a:b", "--password", Self.password],
      ] {
        let refused = try await server.kindling(["secret", "create"] + words)
        #expect(refused.status == 2 && !refused.all.contains(Self.password), "\(words): \(refused.all)")
      }
    }
  }

  @Test("a build without a Dockerfile offers a starter, writes it when asked, and builds it")
  func scaffold() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      try await server.kindling(
        ["image", "import", "busybox:stable", try await Busybox.shared.archive()]).expectSuccess()
      try folder.write("<p>hello", to: "site/index.html")
      let refused = try await server.kindling(["build", folder.path("site"), "--name", "site"])
      #expect(refused.status == 2 && refused.error.contains("--scaffold"), "\(refused.all)")
      #expect(!FileManager.default.fileExists(atPath: folder.path("site/Dockerfile")))
      let built = try await server.kindling(["build", folder.path("site"), "--name", "site", "--scaffold"])
      #expect(built.status == 0 && built.error.contains("wrote \(folder.path("site/Dockerfile"))"), "\(built.all)")
      #expect(built.output.contains("/dev/site:latest@sha256:"), "\(built.all)")
      let image = try await Tool("skopeo").run([
        "inspect", "--config", "--tls-verify=false", "docker://\(server.ready.registry)/dev/site:latest",
      ])
      #expect(try JSON(text: image.output)["config"]["User"] == "65532:65532", "\(image.all)")
    }
  }
}
