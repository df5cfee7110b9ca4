import Foundation
import TestSupport
import Testing

/// What SaveBuildSecrets saves: where builds get it, and where nobody reads it.
@Suite("Build secrets") struct SecretsTests {
  private static let token = "s3cr3t-T0ken/with+signs"

  @Test("are ARG values where the Dockerfile declares them, and stand in no record, log, event, history or ledger")
  func arguments() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      try await server.kindling(
        ["build", "secrets", "set", "--build-secret", "NPM_TOKEN", "--build-secret", "PIN=12"],
        environment: ["NPM_TOKEN": Self.token]
      ).expectSuccess()
      let api = HTTPAPI(server)
      let encoded = Data(Self.token.utf8).base64EncodedString()
      let percent = "s3cr3t-T0ken%2Fwith%2Bsigns"
      let archive = try await Tree.inline(
        dockerfile: """
          FROM busybox
          ARG NPM_TOKEN
          ARG MODE
          ARG URL=https://me:${NPM_TOKEN}@npm.example/
          RUN test "$NPM_TOKEN" = "$(printf '%s%s' s3cr3t-T0ken/ with+signs)" && test -z "$PIN" && echo "<$NPM_TOKEN>"
          RUN printf %s "$NPM_TOKEN" | base64; echo \(percent) "$URL" >&2
          RUN --mount=type=secret,id=NPM_TOKEN printf %s "$(head -c 9 /run/secrets/NPM_TOKEN)"; tail -c +10 /run/secrets/NPM_TOKEN

          """, in: folder)
      let order: JSON = ["name": "app", "zippedCode": archive, "buildArgs": ["MODE": "prod"]]
      let (build, log) = try await api.built(order)
      #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(log)")
      #expect(build["buildArgs"] == ["MODE": "prod", "NPM_TOKEN": "***"], "\(build.text)")
      #expect(log.contains { $0.hasSuffix(" <***>") } && log.contains { $0.contains("NPM_TOKEN") }, "\(log)")
      #expect(!log.contains { $0.contains("into the image") }, "\(log)")
      // Built again it is cached; with another value it is not.
      #expect(try await api.built(order).build["metrics"]["cacheUsed"] == true)
      let id = try #require(build["buildId"].string)
      let events = try await api.call("GET", "/_kindling/builds/\(id)/events").body
      let why = try await server.kindling(["why", id])
      let image = try await Tool("skopeo").run([
        "inspect", "--config", "--tls-verify=false", "docker://\(server.ready.registry)/dev/app:latest",
      ])
      #expect(image.output.contains("NPM_TOKEN=***"), "\(image.all)")
      for text in [log.joined(separator: "\n"), events, why.all, image.all, build.text] {
        for secret in [Self.token, encoded, percent] { #expect(!text.contains(secret), "\(text)") }
      }
      let kept = try await Tool("grep").run(["-rlaF", "-e", Self.token, "-e", encoded, server.data])
      #expect(kept.output.isEmpty, "\(kept.output)")
    }
  }

  @Test("lose against the request's own argument, and what a failing build says of itself hides them too")
  func clash() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      try await server.kindling(["build", "secrets", "set", "--build-secret", "T=\(Self.token)"]).expectSuccess()
      let api = HTTPAPI(server)
      let own = try await Tree.inline(
        dockerfile: "FROM busybox\nARG T\nRUN test \"$T\" = mine && echo \"own $T\"\n", in: folder)
      let (build, log) = try await api.built(["name": "own", "zippedCode": own, "buildArgs": ["T": "mine"]])
      #expect(build["status"] == "BUILD_STATUS_SUCCEEDED" && log.contains { $0.hasSuffix("own mine") }, "\(log)")
      #expect(build["buildArgs"] == ["T": "mine"], "\(build.text)")
      let bad = try await Tree.inline(dockerfile: "FROM busybox\nARG T\nRUN echo \"no $T\" >&2; exit 3\n", in: folder)
      let (failed, why) = try await api.built(["name": "bad", "zippedCode": bad])
      #expect(failed["status"] == "BUILD_STATUS_FAILED" && failed["error"].string?.contains("no ***") == true)
      #expect(!(failed.text + why.joined()).contains(Self.token), "\(why)")
      // The value itself, sent as an argument of any name, is not read back.
      let same = try await api.create(["name": "same", "zippedCode": own, "buildArgs": ["OTHER": .string(Self.token)]])
      let shown = try await api.ended(same).build
      #expect(shown["buildArgs"]["OTHER"] == "***", "\(shown.text)")
    }
  }

  @Test("that the Dockerfile writes into the image are in it, and a warning names the line")
  func written() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      try await server.kindling(["build", "secrets", "set", "--build-secret", "T=\(Self.token)"]).expectSuccess()
      let dockerfile = """
        FROM busybox
        ARG T
        ENV A=$T
        LABEL b="x-${T}"
        COPY <<END /c
        $T
        END

        """
      let archive = try await Tree.inline(dockerfile: dockerfile, in: folder)
      let api = HTTPAPI(server)
      let (build, log) = try await api.built(["name": "app", "zippedCode": archive])
      #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(log)")
      for word in ["ENV", "LABEL", "COPY"] {
        #expect(log.contains { $0.contains("\(word) writes build secret 'T' into the image") }, "\(word): \(log)")
      }
      #expect(!log.contains { $0.contains(Self.token) }, "\(log)")
      let image = try await Tool("skopeo").run([
        "inspect", "--config", "--tls-verify=false", "docker://\(server.ready.registry)/dev/app:latest",
      ])
      let config = try JSON(text: image.output)
      #expect(config["config"]["Env"].array.contains { $0.string == "A=" + Self.token }, "\(image.all)")
      #expect(!config["history"].text.contains(Self.token), "\(image.all)")
    }
  }

  @Test("come from arguments, files, standard input and the environment; each group is replaced whole, and forgotten")
  func commands() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      try folder.write("from-a-file\n", to: "secret")
      try await server.kindling(
        ["build", "secrets", "set", "--build-secret", "A=@\(folder.path("secret"))", "--build-secret", "B=plain-one"]
      ).expectSuccess()
      let api = HTTPAPI(server)
      let archive = try await Tree.inline(
        dockerfile: "FROM busybox\nARG A\nARG B\nRUN echo \"lengths ${#A} ${#B}\"\n", in: folder)
      func lengths() async throws -> String? {
        let (_, log) = try await api.built(["name": "app", "zippedCode": archive, "noCache": true])
        return log.first { $0.contains(" lengths ") && !$0.contains("RUN") }?.split(separator: " lengths ").last
          .map(String.init)
      }
      #expect(try await lengths() == "11 9")
      try await server.kindling(["build", "secrets", "set", "--build-secret", "B=another"]).expectSuccess()
      #expect(try await lengths() == "0 7")
      try await server.kindling(["build", "secrets", "clear", "git", "build"]).expectSuccess()
      #expect(try await lengths() == "0 0")
      for words in [
        ["set"], ["set", "--registry", "ghcr.io"], ["set", "--build-secret", "A=-", "--git-token", "-"], ["clear"],
        ["clear", "all"],
      ] {
        #expect(try await server.kindling(["build", "secrets"] + words).status == 2, "\(words)")
      }
      let unset = try await server.kindling(["build", "secrets", "set", "--build-secret", "NOT_SET_ANYWHERE"])
      #expect(unset.status == 2 && unset.all.contains("NOT_SET_ANYWHERE"), "\(unset.all)")
      let refused = try await server.kindling(["build", "secrets", "set", "--registry", "ghcr.io=hunter2"])
      #expect(refused.status != 0 && refused.all.contains("ghcr.io") && !refused.all.contains("hunter2"))
      let unknown = try await api.call("DELETE", "/_kindling/secrets/others")
      #expect(unknown.status == 404 && unknown.body.contains("git_credentials"), "\(unknown)")
    }
  }
}
