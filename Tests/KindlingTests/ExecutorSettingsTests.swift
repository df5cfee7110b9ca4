import Builder
import Diagnostics
import OCI
import Service
import SystemPackage
import Testing

@testable import kindling

@Suite("The executor's command line")
struct ExecutorSettingsTests {
  private static let least = ["--no-push", "--context", "dir:///ctx"]

  private func settings(_ words: [String], _ environment: [String: String] = [:]) throws -> ExecutorSettings {
    try ExecutorSettings(words: Self.least + words, environment: environment)
  }

  private func reason(_ words: [String], _ environment: [String: String] = [:]) -> String? {
    do {
      _ = try settings(words, environment)
      return nil
    } catch let failure as Failure { return failure.reason } catch { return "\(error)" }
  }

  /// One value for each flag that takes one.
  static let samples = [
    "context": "tar:///other.tar", "context-sub-path": "sub", "dockerfile": "other/Dockerfile", "build-arg": "A=b",
    "target": "stage", "custom-platform": "linux/s390x", "secret": "id=x,src=/x", "build-context": "a=target:b",
    "ssh": "default=/agent.sock", "allow": "security.insecure",
    "git": "branch=next", "git-limit": "object-size=4GiB", "destination": "acme/app:1", "tar-path": "a.tar",
    "oci-layout-path": "out",
    "digest-file": "digest", "image-name-with-digest-file": "name", "image-name-tag-with-digest-file": "tag",
    "label": "a=b", "annotation": "a=b", "image-format": "oci", "compression": "zstd", "compression-level": "3",
    "ignore-path": "/var/tmp", "insecure-registry": "r", "skip-tls-verify-registry": "r",
    "registry-certificate": "r=/c.pem", "registry-client-cert": "r=/c.pem,/k.pem", "registry-map": "a=b;c=d",
    "registry-mirror": "m", "push-retry": "3", "image-download-retry": "3", "verbosity": "debug",
    "log-format": "json", "kaniko-dir": "/kaniko", "cache-repo": "r.test/cache", "cache-ttl": "1h",
    "cache-run-layers": "false",
  ]

  @Test("every flag changes the settings or is told to change nothing", arguments: ExecutorFlag.all.map(\.name))
  func everyFlag(name: String) throws {
    let flag = try #require(ExecutorFlag.named(name))
    let value = Self.samples[name] ?? (name == "snapshot-mode" ? "redo" : "1")
    let extra = name.hasPrefix("image-name") ? ["--destination", "acme/app:1"] : []
    let before = try ExecutorSettings(
      words: (name == "no-push" ? ["--context", "dir:///ctx", "-d", "a"] : Self.least) + extra, environment: [:])
    let words = [flag.kind == .bool && Self.samples[name] == nil ? "--\(name)" : "--\(name)=\(value)"]
    if name == "bucket" {
      #expect(reason(words) == "context-scheme")
      return
    }
    let after = try ExecutorSettings(
      words: (name == "no-push" ? ["--context", "dir:///ctx", "-d", "a"] : Self.least) + extra + words,
      environment: [:])
    switch flag.role {
    case .used:
      #expect(after != before)
      #expect(after.idle.isEmpty)
    case .idle(let why): #expect(after.idle == ["--\(name) changes nothing: \(why)"])
    }
  }

  @Test("a flag that changes nothing is told once, however often and however it is spelled")
  func idleOnce() throws {
    let told = try settings(["--snapshotMode=full", "--snapshot-mode", "time", "--whitelist-var-run=false"]).idle
    #expect(told.count == 2 && told[0].hasPrefix("--snapshot-mode ") && told[1].hasPrefix("--ignore-var-run "))
  }

  @Test("agents and entitlements are those that BuildKit knows")
  func grants() throws {
    let environment = ["SSH_AUTH_SOCK": "/usual"]
    let given = try settings(["--ssh", "default", "--ssh=ci=/other", "--allow", "network.host"], environment).grants
    #expect(given.agents == ["default": "/usual", "ci": "/other"] && !given.allowsInsecure)
    #expect(reason(["--ssh", "default"]) == "ssh-agent-unknown")
    #expect(reason(["--ssh", "=/x"], environment) == "ssh-agent-unknown")
    #expect(reason(["--allow", "security.secure"]) == "flag-value-invalid")
  }

  @Test("values stand after a space or an equals sign, and switches take true and false")
  func spellings() throws {
    for words in [["--target", "x"], ["--target=x"], ["--target", "y", "--target=x"]] {
      #expect(try settings(words).target == "x")
    }
    #expect(try settings(["-f", "a", "-d=b/c:1", "-d", "d"]).destinations.map(\.shortName) == ["b/c:1", "d:latest"])
    #expect(try settings(["--cache=false"]).isCaching == false)
    #expect(try settings(["--cache=T"]).isCaching)
    #expect(try settings(["--tarPath=x.tar", "--customPlatform=linux/arm64"]).outputs.tar == "x.tar")
    #expect(try settings(["--compression-level=-1"]).layerFormat.level == nil)
    #expect(
      try settings(["--build-arg", "A", "--build-arg", "B=", "--build-arg", "C"], ["A": "x"]).buildArgs
        == ["A": "x", "B": ""])
  }

  @Test(
    "what cannot be meant is refused by name",
    arguments: [
      (["--dokerfile=x"], "flag-unknown"), (["-x"], "flag-unknown"), (["build"], "argument-unexpected"),
      (["--target"], "flag-value-missing"), (["--cache=maybe"], "flag-value-invalid"),
      (["--context=s3://bucket/key"], "context-scheme"), (["--context=gs://bucket/key"], "context-scheme"),
      (["--dockerfile=https://example.test/Dockerfile"], "dockerfile-url"),
      (["--digest-file=https://example.test/digest"], "output-url"),
      (["--custom-platform=linux"], "flag-value-invalid"), (["--compression=lz4"], "flag-value-invalid"),
      (["--image-format=docker", "--compression=zstd"], "image-format-unsuitable"),
      (["--image-format=docker", "--annotation=a=b"], "image-format-unsuitable"),
      (["--ignore-path=relative"], "flag-value-invalid"), (["--label=x"], "flag-value-invalid"),
      (["--destination=a@sha256:" + String(repeating: "0", count: 64)], "destination-digest"),
      (["--image-name-with-digest-file=x"], "destination-missing"), (["--no-push=false"], "destination-missing"),
      (["--cache-ttl=2 weeks"], "flag-value-invalid"), (["--cache-ttl=-1h"], "flag-value-invalid"),
      (["--cache-repo=r.test/cache:tag"], "flag-value-invalid"), (["--cache-repo=oci:"], "flag-value-invalid"),
      (["--cache-repo=oci:x", "--oci-layout-path=x"], "cache-repo-output"),
      (["--secret=src=/x"], "flag-value-invalid"), (["--git=shallow=1"], "flag-value-invalid"),
    ])
  func refusals(words: [String], expected: String) {
    #expect(reason(words) == expected)
  }

  @Test("an unknown flag is answered with the nearest known one")
  func nearest() {
    do {
      _ = try settings(["--destinaton=x"])
      Issue.record("it was taken")
    } catch { #expect((error as? Failure)?.hint == "did you mean '--destination'?") }
  }

  @Test(
    "contexts are told apart by their scheme",
    arguments: [
      ("dir:///a/b", ExecutorSettings.Context.directory("/a/b")), ("a/b", .directory("a/b")),
      ("dir://.", .directory(".")), ("tar:///a.tar.gz", .archive("/a.tar.gz")), ("tar://a.tar", .archive("a.tar")),
      ("tar://stdin", .standardInput), ("git://example.test/a.git#main", .git("git://example.test/a.git#main")),
      ("https://example.test/a.git", .git("https://example.test/a.git")),
    ])
  func contexts(text: String, expected: ExecutorSettings.Context) throws {
    #expect(try settings(["--context", text]).context == expected)
  }

  @Test("Kaniko's variables stand for flags that are not given, and one for what is pushed")
  func environment() throws {
    let environment = [
      "KANIKO_NO_PUSH": "true", "KANIKO_DIR": "/k", "KANIKO_REGISTRY_MIRROR": "m", "KANIKO_REGISTRY_MAP": "a=b;a=c",
    ]
    let settings = try ExecutorSettings(words: ["-d", "x", "--kaniko-dir=/own"], environment: environment)
    #expect(!settings.isPushing && settings.dataDirectory == "/own")
    #expect(settings.registries.mirrors == ["a": ["b", "c"], "index.docker.io": ["m"]])
    #expect(settings.context == .directory("/workspace/"))
  }

  @Test("steps are shared where --cache-repo says, else beside the first destination, else nowhere")
  func sharedCache() throws {
    func place(_ words: [String]) throws -> CacheChoices.Place? {
      try ExecutorSettings(words: ["--context", "dir:///ctx", "--cache"] + words, environment: [:]).sharedCachePlace()
    }
    let app = ["-d", "r.test:5000/acme/app:1", "-d", "other.test/app"]
    #expect(try place(app) == .repository(host: "r.test:5000", Repository("acme/app/cache")))
    #expect(try place(["-d", "app"]) == .repository(host: "docker.io", Repository("library/app/cache")))
    #expect(try place(app + ["--cache-repo=a/b"]) == .repository(host: "docker.io", Repository("a/b")))
    for text in ["oci:/shared/steps", "oci:///shared/steps"] {
      #expect(try place(["--no-push", "--cache-repo", text]) == .layout("/shared/steps"))
    }
    #expect(try place(app + ["--no-push"]) == nil)
    #expect(try place(app + ["--cache=false", "--cache-repo=a/b"]) == nil)
    let choices = try settings([]).cache
    #expect(choices.keeps(.command) && !choices.keeps(.files) && choices.life == .seconds(336 * 3600))
    #expect(choices.timeToLive == nil && choices.isPushing)
  }

  @Test(
    "durations are Go's",
    arguments: [
      ("336h", 1_209_600_000), ("1h30m", 5_400_000), ("1.5h", 5_400_000), (".5s", 500), ("1.s", 1000), ("0", 0),
      ("+1m", 60_000), ("2µs", 0), ("1h1h", 7_200_000), ("90", nil), ("h", nil), ("", nil), ("1d", nil), ("1 h", nil),
      ("-1h", nil), (".h", nil), ("1..2s", nil), ("3000000h", nil), ("1h5", nil), ("٣h", nil),
    ] as [(String, Int64?)])
  func durations(text: String, milliseconds: Int64?) {
    #expect(GoDuration.parse(text) == milliseconds.map { .milliseconds($0) })
  }

  @Test("dates come from --reproducible, then a build argument, then the environment")
  func epoch() throws {
    let environment = ["SOURCE_DATE_EPOCH": "5"]
    #expect(try settings([]).layerFormat.latestTime == nil)
    #expect(try settings([], environment).layerFormat.latestTime == 5)
    #expect(try settings(["--build-arg", "SOURCE_DATE_EPOCH=7"], environment).layerFormat.latestTime == 7)
    #expect(try settings(["--reproducible"], environment).layerFormat.latestTime == 0)
    #expect(reason([], ["SOURCE_DATE_EPOCH": "yesterday"]) == "source-date-epoch-invalid")
  }

  @Test("names in files are written as Kaniko writes them")
  func names() throws {
    let digest = Digest(sha256Of: [])
    let destinations = try ["busybox", "docker.io/acme/app:1", "localhost:5000/x", "quay.io/a/b:t"].map {
      try ImageDestination($0)
    }
    var files = DigestFiles(outputs: .init(), destinations: destinations)
    #expect(
      files.names(digest) == """
        index.docker.io/library/busybox@\(digest)
        index.docker.io/acme/app@\(digest)
        localhost:5000/x@\(digest)
        quay.io/a/b@\(digest)

        """)
    files = DigestFiles(outputs: .init(namesAndTags: "x"), destinations: destinations)
    #expect(
      files.names(digest) == """
        index.docker.io/library/busybox:latest@\(digest)
        index.docker.io/acme/app:1@\(digest)
        localhost:5000/x:latest@\(digest)
        quay.io/a/b:t@\(digest)

        """)
  }
}
