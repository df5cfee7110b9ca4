import Foundation
import TestSupport
import Testing

/// `kindling executor --build-context`: what names in a Dockerfile can stand for.
@Suite("executor's named contexts") struct ExecutorContextTests {
  typealias Workshop = ExecutorWorkshop

  /// Busybox as a folder `root`, beside the context.
  private func unpackRoot(_ folder: TemporaryFolder, to name: String = "root") async throws {
    try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
    try await Tool("tar").succeed(["-xf", try await Busybox.shared.archive(), "-C", folder.path(name)])
  }

  /// An OCI layout `name` of busybox with a label, which skopeo made from the executor's.
  private func makeLayout(_ name: String, label: String, _ shop: Workshop, words: [String] = []) async throws {
    let made = shop.folder.path("made-\(UUID().uuidString)")
    try shop.folder.write("FROM root\nLABEL is=\(label)\n", to: "Base")
    let built = try await shop.run(
      ["-c", "ctx", "-f", "Base", "--no-push", "--build-context", "root=root", "--oci-layout-path", made] + words)
    try #require(built.status == 0, "\(built.all)")
    try await Tool("skopeo").succeed(["copy", "-q", "-f", "oci", "oci:" + made, "oci:" + shop.folder.path(name)])
  }

  @Test("folders and archives are stood upon, copied from and mounted, without what their .dockerignore names")
  func folders() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await Workshop(
        """
        FROM root AS base
        COPY --from=lib . /lib/
        COPY --from=packed lib/one /packed
        RUN --mount=from=lib,target=/m ls -A /m /lib; cat /packed /m/one
        FROM busybox
        COPY --from=base /packed /

        """, in: folder)
      try await unpackRoot(folder)
      try folder.write("one\n", to: "lib/one")
      try folder.write("two\n", to: "lib/skip/two")
      try folder.write("skip\n", to: "lib/.dockerignore")
      try await Tool("tar").succeed(["-C", folder.path, "-czf", folder.path("lib.tgz"), "lib"])
      let words = [
        "-c", "ctx", "--no-push", "--cache", "--build-context", "root=root", "--build-context", "LIB=lib",
        "--build-context", "packed=tar://lib.tgz", "--build-context", "docker.io/library/busybox=root",
      ]
      let built = try await shop.run(words + ["--oci-layout-path", "l"])
      #expect(built.status == 0, "\(built.all)")
      #expect(
        built.output == "/lib:\n.dockerignore\none\n\n/m:\n.dockerignore\none\none\none\n", "\(built.all)")
      // The files of a context are root's, as those of the build's own are.
      let raw = try JSON(
        text: try await Tool("skopeo").succeed(["inspect", "--raw", "oci:" + folder.path("l")]).output)
      #expect(raw["layers"].array.count == 2)

      // Neither a date nor what is left out counts; what is in it does.
      try folder.write("more\n", to: "lib/skip/two")
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: folder.path("lib/one"))
      #expect(try await shop.run(words).output == "")
      try folder.write("1\n", to: "lib/one")
      #expect(try await shop.run(words).output.hasSuffix("one\n1\n"))

      try folder.write("FROM scratch\nCOPY --from=lib skip/two /\n", to: "ctx/Dockerfile")
      let ignored = try await shop.run(words)
      #expect(
        ignored.status == 1 && ignored.error.contains("'skip/two' is not in context 'lib'")
          && ignored.error.contains(".dockerignore excludes it"), "\(ignored.all)")
      // What no stage uses is not looked into.
      try folder.write("FROM scratch AS last\nLABEL a=b\n", to: "ctx/Dockerfile")
      let unused = try await shop.run(words)
      #expect(unused.status == 0 && !unused.error.contains("context '"), "\(unused.all)")
    }
  }

  @Test("images of OCI layouts are chosen by name, digest and platform, and every blob is checked")
  func layouts() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await Workshop("FROM base\nRUN echo ran\n", in: folder)
      try await unpackRoot(folder)
      try await makeLayout("lay:v1", label: "one", shop)
      try await makeLayout("lay:v2", label: "two", shop)
      try await makeLayout("lay:other", label: "foreign", shop, words: ["--custom-platform", "linux/s390x"])
      let digest = try await Tool("skopeo").succeed(
        ["inspect", "-f", "{{.Digest}}", "oci:" + folder.path("lay:v2")]
      ).lines[0]
      func build(_ context: String, _ words: [String] = []) async throws -> Tool.Result {
        try await shop.run(
          ["-c", "ctx", "--no-push", "--oci-layout-path", "out", "--build-context", "base=oci-layout://" + context]
            + words)
      }
      for (context, label) in [("lay:v1", "one"), ("lay@\(digest)", "two"), (folder.path("lay:v2"), "two")] {
        let built = try await build(context)
        #expect(built.status == 0 && built.output == "ran\n", "\(context): \(built.all)")
        let seen = try JSON(text: try await Tool("skopeo").succeed(["inspect", "oci:" + folder.path("out")]).output)
        #expect(seen["Labels"]["is"] == .string(label), "\(context)")
        // Kaniko: the image's format is its base's.
        let raw = try await Tool("skopeo").succeed(["inspect", "--raw", "oci:" + folder.path("out")])
        let type = "application/vnd.oci.image.manifest.v1+json"
        #expect(try JSON(text: raw.output)["mediaType"] == .string(type), "\(raw.all)")
      }
      let docker = try await build("lay:v1", ["--image-format", "docker"])
      #expect(docker.status == 0, "\(docker.all)")
      let raw = try await Tool("skopeo").succeed(["inspect", "--raw", "oci:" + folder.path("out")])
      #expect(raw.output.contains("vnd.docker.distribution.manifest"), "\(raw.all)")

      // One name for several platforms.
      let entries = try JSON(text: folder.read("lay/index.json"))["manifests"].array.map { entry in
        guard case .object(var members) = entry, members["digest"] != .string(digest) else { return entry }
        let isForeign = members["annotations"]?["org.opencontainers.image.ref.name"] == "other"
        members["platform"] = ["os": "linux", "architecture": .string(isForeign ? "s390x" : Self.architecture)]
        members["annotations"] = ["org.opencontainers.image.ref.name": "both"]
        return .object(members)
      }
      let index: JSON = ["schemaVersion": 2, "manifests": .array(entries)]
      try folder.write(String(decoding: try JSONEncoder().encode(index), as: UTF8.self), to: "lay/index.json")
      try folder.write("FROM base\n", to: "ctx/Copy")
      for (words, label) in [([], "one"), (["--custom-platform=linux/s390x"], "foreign")] {
        let built = try await build("lay:both", ["-f", "Copy", "--dryrun"] + words)
        #expect(built.status == 0 && built.output.contains("label is=\(label)"), "\(words): \(built.all)")
      }

      let unknown = try await build("lay:v3")
      #expect(unknown.status == 1 && unknown.error.contains("it holds: both, v2, both"), "\(unknown.all)")
      let ambiguous = try await build("lay", ["--custom-platform=linux/amd64"])
      #expect(ambiguous.status == 1 && ambiguous.error.contains("holds 3 images"), "\(ambiguous.all)")
      let gone = try await build("nowhere:v1")
      #expect(gone.status == 1 && gone.error.contains("oci-layout://nowhere:v1"), "\(gone.all)")

      // The largest blob is the layer.
      let damage = """
        blob=$(ls -S lay/blobs/sha256/* | head -1); printf x | dd of=$blob bs=1 seek=100 conv=notrunc status=none
        """
      try await Tool("/bin/sh").run(["-c", damage], in: folder.path)
      let damaged = try await build("lay:v2")
      #expect(damaged.status == 1 && damaged.error.contains("digest"), "\(damaged.all)")
    }
  }

  private static var architecture: String {
    #if arch(arm64)
      "arm64"
    #else
      "amd64"
    #endif
  }

  @Test("commits come with all their files, and ADD fetches repositories too")
  func repositories() async throws {
    var settings = GitServer.Settings()
    settings.users = ["ada": "very secret"]
    try await withGitServer(settings) { git in
      try await withTemporaryFolder { folder in
        let shop = try await Workshop("", in: folder)
        try await unpackRoot(folder)
        let work = try await GitWorkshop(folder.path("work"))
        try await work.commit(["lib/one": "one", "lib/.dockerignore": "one\n"])
        try await work.git("tag", "v1")
        try await work.commit(["lib/one": "later"])
        try await work.publish(to: git.folder + "/lib.git")
        let url = git.url("lib.git")
        try folder.write("FROM root\nRUN --mount=from=lib,target=/m cat /m/one\n", to: "ctx/Dockerfile")
        let words = [
          "-c", "ctx", "--no-push", "--build-context", "root=root", "--build-context", "lib=\(url)#v1:lib",
        ]
        let login = ["GIT_USERNAME": "ada", "GIT_PASSWORD": "very secret"]
        let built = try await shop.run(words, environment: login)
        #expect(built.status == 0 && built.output == "one\n" && !built.all.contains("very secret"), "\(built.all)")
        let refused = try await shop.run(words)
        #expect(refused.status == 1 && refused.error.contains("credentials"), "\(refused.all)")
        // The credentials of the command are for what the command names.
        try folder.write("FROM scratch\nADD \(url) /\n", to: "ctx/Dockerfile")
        let added = try await shop.run(words, environment: login)
        #expect(added.status == 1 && added.error.contains("credentials"), "\(added.all)")
        let own = url.replacingOccurrences(of: "http://", with: "http://ada:very%20secret@")
        try folder.write("FROM root\nADD \(own)#v1:lib /lib\nRUN cat /lib/one\n", to: "ctx/Dockerfile")
        let known = try await shop.run(words)
        #expect(known.status == 0 && known.output == "one\n" && !known.all.contains("very%20secret"), "\(known.all)")
        try folder.write("FROM scratch\nADD file://\(git.folder)/lib.git /\n", to: "ctx/Dockerfile")
        let local = try await shop.run(words)
        #expect(local.status == 1, "\(local.all)")
      }
    }
  }

  @Test("images of another platform are pulled, copied from and configured, and only running them fails")
  func platforms() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await Workshop("", in: folder)
      try await unpackRoot(folder)
      // A program that says it is for another machine, as no kernel here runs it.
      try FileManager.default.createDirectory(atPath: folder.path("foreign/bin"), withIntermediateDirectories: true)
      let program = """
        cp /bin/busybox foreign/bin/sh && printf '\\026\\000' | dd of=foreign/bin/sh bs=1 seek=18 conv=notrunc status=none
        """
      try await Tool("/bin/sh").run(["-c", program], in: folder.path)
      let words = ["-c", "ctx", "--no-push", "--build-context", "root=root", "--build-context", "foreign=foreign"]
      try folder.write(
        """
        FROM --platform=$BUILDPLATFORM root AS make
        ARG TARGETARCH
        RUN echo for $TARGETARCH | tee /made
        FROM foreign
        COPY --from=make /made /made
        WORKDIR /work
        ENV A=b

        """, to: "ctx/Dockerfile")
      let cross = try await shop.run(words + ["--custom-platform=linux/s390x", "--oci-layout-path", "l"])
      #expect(cross.status == 0 && cross.output == "for s390x\n", "\(cross.all)")
      let config = try await Tool("skopeo").succeed(
        ["--override-arch", "s390x", "inspect", "--config", "oci:" + folder.path("l")])
      #expect(try JSON(text: config.output)["architecture"] == "s390x", "\(config.all)")

      try folder.write("FROM --platform=linux/s390x foreign\nENV A=b\nRUN echo no\n", to: "ctx/Dockerfile")
      let refused = try await shop.run(words)
      #expect(refused.status == 126, "\(refused.all)")
      for text in ["cannot run programs for linux/s390x", "> 3 | RUN echo no", "FROM --platform=$BUILDPLATFORM"] {
        #expect(refused.error.contains(text), "\(refused.all)")
      }
      // Whether something runs is what running it shows: the platform is only a name.
      try folder.write("FROM --platform=linux/s390x root\nRUN echo yes\n", to: "ctx/Dockerfile")
      let ran = try await shop.run(words)
      #expect(ran.status == 0 && ran.output == "yes\n", "\(ran.all)")
    }
  }

  @Test("registries are reached at an IPv6 address too")
  func addresses() async throws {
    try await withTemporaryFolder { folder in
      let registry = try await ForeignServer.docker(in: folder, at: "[::1]")
      defer { registry.stop() }
      let shop = try await Workshop("FROM scratch\nADD base.tar /\nLABEL is=base\n", in: folder)
      let name = "\(registry.host)/acme/base"
      let pushed = try await shop.run(["-c", "ctx", "-d", "\(name):1", "--image-name-with-digest-file", "names"])
      #expect(pushed.status == 0, "\(pushed.all)")
      #expect(try folder.read("names").hasPrefix("\(name)@sha256:"))
      try folder.write("FROM \(name):1\nRUN echo upon\n", to: "ctx/Dockerfile")
      let built = try await shop.run(["-c", "ctx", "--no-push", "--oci-layout-path", "l"])
      #expect(built.status == 0 && built.output == "upon\n", "\(built.all)")
      // Kaniko: the image's format is its base's, which is docker's here.
      let raw = try await Tool("skopeo").succeed(["inspect", "--raw", "oci:" + folder.path("l")])
      #expect(raw.output.contains("vnd.docker.distribution.manifest"), "\(raw.all)")
      try folder.write("FROM r.example/acme/base:1\nRUN echo mapped\n", to: "ctx/Dockerfile")
      let mapped = try await shop.run(["-c", "ctx", "--no-push", "--registry-map", "r.example=\(registry.host)"])
      #expect(mapped.status == 0 && mapped.output == "mapped\n", "\(mapped.all)")
    }
  }
}
