import Foundation
import TestSupport
import Testing

/// `kindling executor` as a pipeline that knows Kaniko calls it, without any server.
@Suite("executor") struct ExecutorTests {
  @Test("an image goes into files that skopeo, podman and umoci read, and leaves nothing behind")
  func outputs() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop(
        ExecutorWorkshop.base
          + "COPY data /data\nRUN echo made > /made; echo out; echo err >&2; rm /etc/group\nLABEL a=file\n",
        in: folder)
      try folder.write("one", to: "ctx/data/one")
      let built = try await shop.run([
        "--context", "dir://ctx", "--no-push", "--tar-path", "out/i.tar", "--oci-layout-path=out/layout",
        "--digest-file", "out/digest", "--image-name-tag-with-digest-file", "out/names", "-d", "acme/app:1", "-d",
        "acme/app:2", "--label", "a=flag", "--label", "b=2", "--snapshot-mode=redo", "--use-new-run",
      ])
      #expect(built.status == 0, "\(built.all)")
      #expect(built.output == "out\n", "\(built.all)")
      #expect(built.error.contains("INFO[000") && built.error.contains("] RUN echo made"), "\(built.all)")
      #expect(built.error.components(separatedBy: "--snapshot-mode").count == 2, "\(built.all)")
      #expect(shop.kept.isEmpty)

      let digest = try folder.read("out/digest")
      #expect(digest.hasPrefix("sha256:") && digest.count == 71)
      #expect(
        try folder.read("out/names")
          == "index.docker.io/acme/app:1@\(digest)\nindex.docker.io/acme/app:2@\(digest)\n")
      let layout = try await Tool("skopeo").succeed(["inspect", "oci:" + folder.path("out/layout")])
      #expect(try JSON(text: layout.output)["Digest"] == .string(digest))
      let archive = "docker-archive:" + folder.path("out/i.tar")
      let config = try JSON(text: try await Tool("skopeo").succeed(["inspect", "--config", archive]).output)
      #expect(config["config"]["Labels"] == ["a": "flag", "b": "2"])
      let tags = try await Tool("skopeo").succeed(["list-tags", archive])
      #expect(try JSON(text: tags.output)["Tags"] == ["acme/app:1", "acme/app:2"], "\(tags.all)")
      // podman refuses a run root of more than 50 characters, which a folder of this test's own has.
      let run = "/tmp/podman-\(UUID().uuidString.prefix(8))"
      defer { try? FileManager.default.removeItem(atPath: run) }
      let loaded = try await Tool("podman").succeed(
        [
          "--storage-driver", "vfs", "--root", folder.path("p"), "--runroot", run, "load", "-i",
          folder.path("out/i.tar"),
        ])
      #expect(loaded.all.contains("acme/app:1"), "\(loaded.all)")

      try await Tool("skopeo").succeed([
        "copy", "-f", "oci", "oci:" + folder.path("out/layout"), "oci:\(folder.path("named")):x",
      ])
      try await Tool("umoci").succeed(["unpack", "--image", folder.path("named") + ":x", folder.path("bundle")])
      #expect(try folder.read("bundle/rootfs/data/one") == "one" && folder.read("bundle/rootfs/made") == "made\n")
      #expect(!FileManager.default.fileExists(atPath: folder.path("bundle/rootfs/etc/group")))
    }
  }

  @Test("the exit status is that of the command that failed, else 1")
  func statuses() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop(ExecutorWorkshop.base + "ARG DO\nRUN $DO\n", in: folder)
      let cases: [([String], Int32, String)] = [
        (["--build-arg", "DO=exit 42"], 42, "exit status 42"),
        (["--build-arg", "DO=false"], 1, "exit status 1"),
        (["--context", "none"], 1, "there is no directory 'none'"),
        (["-f", "none"], 1, "please provide a valid path to a Dockerfile within the build context"),
        (["--target", "none"], 1, "target stage 'none'"), (["--contxt", "x"], 1, "did you mean '--context'?"),
        (["--context", "s3://a/b"], 1, "context 's3://a/b' cannot be read"),
      ]
      for (words, status, text) in cases {
        let result = try await shop.run(["--no-push", "--context", "ctx"] + words)
        #expect(result.status == status && result.error.contains(text), "\(words): \(result.all)")
      }
      try folder.write(ExecutorWorkshop.base + "RUN exit 42\n", to: "ctx/Dockerfile")
      let exited = try await shop.run(["--no-push", "--context", "ctx", "--log-format=json"])
      #expect(exited.status == 42, "\(exited.all)")
      let letter = try JSON(text: exited.error.split(separator: "\n").last.map(String.init) ?? "")
      #expect(letter["reason"] == "run-failed", "\(exited.all)")
      try folder.write(ExecutorWorkshop.base + "RUN kill -9 $$\n", to: "ctx/Dockerfile")
      #expect(try await shop.run(["--no-push", "--context", "ctx"]).status == 137)
    }
  }

  @Test("contexts come from archives and standard input too, with a directory of theirs as root")
  func contexts() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop("FROM scratch\nCOPY file /\n", in: folder)
      try folder.write("FROM scratch\nCOPY inner /\n", to: "ctx/sub/Dockerfile")
      try folder.write("x", to: "ctx/file")
      try folder.write("x", to: "ctx/sub/inner")
      try await Tool("tar").succeed([
        "-C", folder.path("ctx"), "-czf", folder.path("c.tgz"), "Dockerfile", "file", "sub",
      ])
      let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.path("c.tgz")))
      for (context, input) in [("dir://ctx", nil), ("tar://c.tgz", nil), ("tar://stdin", bytes)] as [(String, Data?)] {
        let words = ["--no-push", "--reproducible", "--digest-file", "d", "--context", context]
        for (sub, expected) in [([], "COPY file /"), (["--context-sub-path", "sub"], "COPY inner /")] {
          let built = try await shop.run(words + sub, input: input)
          #expect(built.status == 0 && built.error.contains(expected), "\(context) \(sub): \(built.all)")
        }
      }
      let empty = try await shop.run(["--no-push", "--context", "tar://stdin"])
      #expect(empty.status == 1 && empty.error.contains("standard input holds no context"), "\(empty.all)")
    }
  }

  @Test("the Dockerfile may lie outside the context, and the context's own wins over one of the working directory")
  func dockerfiles() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop("FROM scratch\nLABEL from=context\n", in: folder)
      try folder.write("FROM scratch\nLABEL from=here\n", to: "Dockerfile")
      try folder.write("FROM scratch\nLABEL from=other\n", to: "Other")
      for (name, label) in [
        ("Dockerfile", "context"), ("Other", "other"), (folder.path("Other"), "other"),
        (folder.path("ctx/Dockerfile"), "context"),
      ] {
        let built = try await shop.run(["--no-push", "-c", "ctx", "-f", name, "--tar-path", "i.tar"])
        #expect(built.status == 0, "\(name): \(built.all)")
        let config = try await Tool("skopeo").succeed(
          ["inspect", "--config", "docker-archive:" + folder.path("i.tar")])
        #expect(try JSON(text: config.output)["config"]["Labels"]["from"] == .string(label), "\(name)")
      }
    }
  }

  @Test("two builds of one input are one image, to the bit, when dates are fixed")
  func reproducible() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop(
        ExecutorWorkshop.base
          + "WORKDIR /w\nCOPY file <<more /w/\ninline\nmore\nRUN date > /dev/null; mkdir /made; touch /made/x\n",
        in: folder)
      try folder.write("x", to: "ctx/file")
      var digests: [String: [String]] = [:]
      for round in 0..<2 {
        // Files that are newer each time, as a fresh checkout's are.
        let date = Date(timeIntervalSince1970: 1_700_000_000 + Double(round) * 1000)
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: folder.path("ctx/file"))
        for (name, words, environment) in [
          ("zero", ["--reproducible"], [:]), ("epoch", [], ["SOURCE_DATE_EPOCH": "1234567890"]), ("free", [], [:]),
        ] as [(String, [String], [String: String])] {
          let built = try await shop.run(
            ["--no-push", "-c", "ctx", "--digest-file", "d", "--tar-path", "\(name).tar"] + words,
            environment: environment)
          #expect(built.status == 0, "\(built.all)")
          digests[name, default: []].append(try folder.read("d"))
        }
      }
      #expect(Set(digests["zero"] ?? []).count == 1 && Set(digests["epoch"] ?? []).count == 1)
      #expect(digests["zero"] != digests["epoch"] && Set(digests["free"] ?? []).count == 2)
      let config = try await Tool("skopeo").succeed(
        ["inspect", "--config", "docker-archive:" + folder.path("epoch.tar")])
      #expect(try JSON(text: config.output)["created"] == "2009-02-13T23:31:30Z", "\(config.output)")
    }
  }

  @Test("all steps of the last stage make one layer on request, removals and all")
  func singleSnapshot() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop(
        "FROM scratch AS base\nADD base.tar /\nFROM base\nCOPY file /a/\nRUN echo 2 > /a/two; rm -r /home /a/file\n"
          + "COPY file /home/new\nRUN ln /a/two /a/three\n", in: folder)
      try folder.write("x", to: "ctx/file")
      let built = try await shop.run(["--no-push", "-c", "ctx", "--single-snapshot", "--oci-layout-path", "l"])
      #expect(built.status == 0, "\(built.all)")
      let raw = try await Tool("skopeo").succeed(["inspect", "--raw", "oci:" + folder.path("l")])
      #expect(try JSON(text: raw.output)["layers"].array.count == 2)
      try await Tool("skopeo").succeed(["copy", "-f", "oci", "oci:" + folder.path("l"), "oci:\(folder.path("n")):x"])
      try await Tool("umoci").succeed(["unpack", "--image", folder.path("n") + ":x", folder.path("b")])
      let root = folder.path("b/rootfs")
      let files = FileManager.default
      #expect(try files.contentsOfDirectory(atPath: root + "/home") == ["new"])
      #expect(try files.contentsOfDirectory(atPath: root + "/a").sorted() == ["three", "two"])
      let linked = try files.attributesOfItem(atPath: root + "/a/two")[.referenceCount] as? Int
      #expect(linked == 2)
    }
  }

  @Test("of one snapshot only the snapshot is compressed, even when one step alone made it")
  func singleSnapshotPacking() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop("FROM scratch\nCOPY zeros /\nCOPY file /a/\n", in: folder)
      try folder.write(String(repeating: "0", count: 1 << 20), to: "ctx/zeros")
      try folder.write("x", to: "ctx/file")
      for (name, dockerfile) in [
        ("two", "FROM scratch\nCOPY zeros /\nCOPY file /a/\n"), ("one", "FROM scratch\nCOPY zeros /\n"),
      ] {
        try folder.write(dockerfile, to: "ctx/Dockerfile")
        let data = folder.path("kept-\(name)")
        let built = try await shop.run([
          "--no-push", "-c", "ctx", "-f", "ctx/Dockerfile", "--single-snapshot", "--image-format", "oci",
          "--kaniko-dir", data, "--oci-layout-path", name,
        ])
        #expect(built.status == 0, "\(built.all)")
        let raw = try await Tool("skopeo").succeed(["inspect", "--raw", "oci:" + folder.path(name)])
        let layers = try JSON(text: raw.output)["layers"].array
        #expect(layers.map { $0["mediaType"].string } == ["application/vnd.oci.image.layer.v1.tar+gzip"])
        // The step's own layer, which no image names, is a plain tar.
        let blobs = data + "/kindling/oci/blobs/sha256/"
        let sizes = try FileManager.default.contentsOfDirectory(atPath: blobs).compactMap {
          try FileManager.default.attributesOfItem(atPath: blobs + $0)[.size] as? Int
        }
        #expect(sizes.contains { $0 > 1 << 20 } && sizes.contains { $0 < 100_000 }, "\(sizes)")
      }
    }
  }

  @Test("layers can be zstd, and paths be left out of them")
  func formats() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop(
        ExecutorWorkshop.base + "RUN mkdir /out /keep; touch /out/x /keep/x\nCOPY base.tar /out/\n", in: folder)
      let built = try await shop.run([
        "--no-push", "-c", "ctx", "--compression", "zstd", "--compression-level=5", "--ignore-path", "/out",
        "--annotation", "org.example.a=b", "--oci-layout-path", "l",
      ])
      #expect(built.status == 0, "\(built.all)")
      let raw = try JSON(
        text: try await Tool("skopeo").succeed(["inspect", "--raw", "oci:" + folder.path("l")]).output)
      #expect(raw["mediaType"] == "application/vnd.oci.image.manifest.v1+json")
      #expect(raw["layers"][0]["mediaType"] == "application/vnd.oci.image.layer.v1.tar+zstd")
      #expect(raw["annotations"] == ["org.example.a": "b"])
      try await Tool("skopeo").succeed(["copy", "oci:" + folder.path("l"), "dir:" + folder.path("dir")])
      var listed = ""
      for layer in raw["layers"].array {
        let name = try #require(layer["digest"].string).replacingOccurrences(of: "sha256:", with: "")
        listed += try await Tool("tar").succeed(["--zstd", "-tf", folder.path("l/blobs/sha256/") + name]).output
      }
      #expect(listed.contains("keep/x\n") && !listed.contains("out/"), "\(listed)")
    }
  }

  @Test("with --cache the next build runs nothing anew, in the user's cache folder or in --kaniko-dir")
  func caching() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop(ExecutorWorkshop.base + "RUN echo once\n", in: folder)
      for place in [[], ["--kaniko-dir", folder.path("k")]] {
        let words = ["--no-push", "-c", "ctx", "--cache=true"] + place
        let first = try await shop.run(words)
        #expect(first.status == 0 && first.output == "once\n", "\(first.all)")
        let second = try await shop.run(words)
        #expect(second.status == 0 && second.output.isEmpty, "\(second.all)")
        #expect(second.error.contains("Using caching version of cmd: RUN echo once"), "\(second.all)")
        // A step in another format is another layer.
        let other = try await shop.run(words + ["--reproducible"])
        #expect(other.output == "once\n", "\(other.all)")
        let cleaned = try await shop.run(words + ["--cleanup"])
        #expect(cleaned.status == 0 && shop.kept.isEmpty, "\(cleaned.all)")
        #expect((try? FileManager.default.contentsOfDirectory(atPath: folder.path("k"))) ?? [] == [])
      }
    }
  }

  @Test("commands see the context they mount, and secrets that stand in no layer and no log")
  func mounts() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop(
        ExecutorWorkshop.base
          + "RUN --mount=type=bind,target=/src --mount=type=secret,id=file --mount=type=secret,id=var,env=IT "
          + "cat /src/data /run/secrets/file > /out; echo $IT >> /out; echo told $IT; test ! -e /src/hidden\n",
        in: folder)
      try folder.write("data\n", to: "ctx/data")
      try folder.write("x", to: "ctx/hidden")
      try folder.write("hidden\n", to: "ctx/.dockerignore")
      try folder.write("from file\n", to: "secret")
      let built = try await shop.run(
        [
          "--no-push", "-c", "ctx", "--secret", "id=file,src=secret", "--secret", "id=var,env=HUSHED",
          "--oci-layout-path", "l",
        ], environment: ["HUSHED": "very quiet"])
      #expect(built.status == 0 && built.output == "told ***\n", "\(built.all)")
      try await Tool("skopeo").succeed(["copy", "-f", "oci", "oci:" + folder.path("l"), "oci:\(folder.path("n")):x"])
      try await Tool("umoci").succeed(["unpack", "--image", folder.path("n") + ":x", folder.path("b")])
      #expect(try folder.read("b/rootfs/out") == "data\nfrom file\nvery quiet\n")
      let missing = try await shop.run(["--no-push", "-c", "ctx", "--secret", "id=var,env=NOT_SET"])
      #expect(missing.status == 1 && missing.error.contains("'NOT_SET', which is not set"), "\(missing.all)")
    }
  }

  @Test("a signal ends it with its processes, and nothing stays")
  func interrupted() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop(ExecutorWorkshop.base + "RUN echo begun; sleep 98765\n", in: folder)
      let script = """
        mkfifo out
        "$0" executor --no-push -c ctx > out 2> err & child=$!
        exec 3< out
        read -u 3 line
        kill -TERM $child
        wait $child
        """
      let result = try await Tool("/bin/bash").run(
        ["-c", script, ServerProcess.binary], environment: ["XDG_CACHE_HOME": folder.path("cache")], in: folder.path)
      #expect(result.status == 143, "\(result.all)")
      #expect(shop.kept.isEmpty)
      let processes = try await Tool("pgrep").run(["-f", "sleep 98765"])
      #expect(processes.output.isEmpty, "\(processes.all)")
    }
  }

  @Test("an ordinary user builds with it")
  func ordinaryUser() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop(ExecutorWorkshop.base + "RUN id -u; touch /made\n", in: folder)
      try await Tool("chmod").succeed(["-R", "a+rwX", folder.path])
      let built = try await shop.run(
        ["--no-push", "-c", "ctx", "--tar-path", folder.path("i.tar")],
        launcher: ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"])
      #expect(built.status == 0 && built.output == "0\n", "\(built.all)")
      try await Tool("skopeo").succeed(["inspect", "docker-archive:" + folder.path("i.tar")])
      #expect(shop.kept.isEmpty)
    }
  }

  @Test("bases are pulled and images pushed, each destination of them, with what docker's configuration knows")
  func registries() async throws {
    try await withServer(["--registry-auth"]) { server, folder in
      let shop = try await ExecutorWorkshop(ExecutorWorkshop.base + "LABEL is=base\n", in: folder)
      let host = server.ready.registry
      let login = Data("dev:\(server.token)".utf8).base64EncodedString()
      try folder.write(#"{"auths":{"\#(host)":{"auth":"\#(login)"}}}"#, to: "docker/config.json")
      let known = ["DOCKER_CONFIG": folder.path("docker")]
      let refused = try await shop.run(["-c", "ctx", "-d", "\(host)/dev/base:1"])
      #expect(refused.status == 1 && refused.error.contains("registry"), "\(refused.all)")
      #expect(!refused.all.contains(server.token))
      let pushed = try await shop.run(
        ["-c", "ctx", "-d", "\(host)/dev/base:1", "-d", "\(host)/dev/other:2", "--digest-file", "d"], environment: known
      )
      #expect(pushed.status == 0, "\(pushed.all)")
      let digest = try folder.read("d")
      #expect(pushed.error.contains("Pushed \(host)/dev/other@\(digest)"), "\(pushed.all)")
      for name in ["base:1", "other:2"] {
        let seen = try await Tool("skopeo").succeed([
          "inspect", "--tls-verify=false", "--creds", "dev:\(server.token)", "docker://\(host)/dev/\(name)",
        ])
        #expect(try JSON(text: seen.output)["Digest"] == .string(digest), "\(name): \(seen.all)")
      }
      try folder.write("FROM \(host)/dev/base:1\nRUN echo upon $(id -u)\n", to: "ctx/Dockerfile")
      let built = try await shop.run(["-c", "ctx", "--no-push", "--oci-layout-path", "l"], environment: known)
      #expect(built.status == 0 && built.output == "upon 0\n", "\(built.all)")
      let labels = try await Tool("skopeo").succeed(["inspect", "oci:" + folder.path("l")])
      #expect(try JSON(text: labels.output)["Labels"] == ["is": "base"])
      let mapped = try await shop.run(
        [
          "-c", "ctx", "--no-push", "--registry-map", "registry.example.test=http://\(host)",
          "--skip-default-registry-fallback", "-f", "Mapped",
        ], environment: known)
      #expect(mapped.status == 1, "\(mapped.all)")
      try folder.write("FROM registry.example.test/dev/base:1\nRUN true\n", to: "ctx/Mapped")
      let found = try await shop.run(
        [
          "-c", "ctx", "--no-push", "--registry-map", "registry.example.test=http://\(host)",
          "--skip-default-registry-fallback", "-f", "Mapped",
        ], environment: known)
      #expect(found.status == 0, "\(found.all)")
    }
  }

  @Test("git contexts are one commit of a branch, a tag or a SHA, or a directory of it")
  func git() async throws {
    var settings = GitServer.Settings()
    settings.users = ["ada": "very secret"]
    try await withGitServer(settings) { git in
      try await withTemporaryFolder { folder in
        let shop = try await ExecutorWorkshop("FROM scratch\n", in: folder)
        let work = try await GitWorkshop(folder.path("work"))
        let first = try await work.commit([
          "Dockerfile": "FROM scratch\nLABEL at=first\n", "sub/Dockerfile": "FROM scratch\nLABEL at=sub\n",
        ])
        try await work.git("tag", "-a", "v1", "-m", "one")
        try await work.commit(["Dockerfile": "FROM scratch\nLABEL at=main\n"])
        try await work.git("branch", "next")
        try await work.publish(to: git.folder + "/app.git")
        let url = git.url("app.git")
        let login = ["GIT_USERNAME": "ada", "GIT_PASSWORD": "very secret"]
        for (words, label) in [
          (["--context", url], "main"), (["--context", url + "#refs/tags/v1"], "first"),
          (["--context", url + "#" + first], "first"), (["--context", url, "--git", "branch=v1"], "first"),
          (["--context", url, "--context-sub-path", "sub"], "sub"),
          (["--context", url.replacingOccurrences(of: "http://", with: "git://")], "main"),
        ] {
          let built = try await shop.run(
            words + ["--no-push", "--oci-layout-path", "l"],
            environment: login.merging(["GIT_PULL_METHOD": "http"]) { $1 })
          #expect(built.status == 0 && built.error.contains("git http"), "\(words): \(built.all)")
          let seen = try await Tool("skopeo").succeed(["inspect", "oci:" + folder.path("l")])
          #expect(try JSON(text: seen.output)["Labels"]["at"] == .string(label), "\(words)")
          #expect(!built.all.contains("very secret"))
        }
        let refused = try await shop.run(["--context", url, "--no-push"])
        #expect(
          refused.status == 1 && refused.error.contains("401") || refused.error.contains("credentials"),
          "\(refused.all)")
      }
    }
  }

  @Test("what cannot be done is said before anything is built")
  func refusals() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop("FROM scratch\n", in: folder)
      let none = try await shop.run(["-c", "ctx"])
      #expect(none.status == 1 && none.error.contains("you must provide --destination"), "\(none.all)")
      let help = try await shop.run(["--help"])
      #expect(help.status == 0 && help.output.contains("--snapshot-mode VALUE"), "\(help.all)")
      let version = try await shop.run(["version"])
      #expect(version.status == 0 && version.output.hasPrefix("kindling "), "\(version.all)")
      let plan = try await shop.run(["-c", "ctx", "--dryrun", "--no-push"])
      #expect(plan.status == 0 && plan.output.contains("stage 0 'stage-0'"), "\(plan.all)")
    }
  }
}
