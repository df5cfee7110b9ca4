/// One flag of Kaniko's executor, and what it does here.
struct ExecutorFlag: Sendable {
  enum Kind: Sendable {
    /// Takes one value; the last one counts.
    case value
    /// Takes one value each time it is given.
    case list
    /// Stands alone, or takes `=true` or `=false`.
    case bool
  }

  enum Role: Sendable {
    case used
    /// Accepted so that pipelines run unchanged; the words say why nothing depends on it here.
    case idle(String)
  }

  var name: String
  var short: Character?
  var kind: Kind
  var role: Role
  var help: String

  private init(
    _ name: String, short: Character? = nil, _ kind: Kind, idle: String? = nil, _ help: String = "No effect"
  ) {
    self.name = name
    self.short = short
    self.kind = kind
    self.role = idle.map { .idle($0) } ?? .used
    self.help = help
  }

  static let all = input + output + layers + caching + registries + process

  /// Spellings of older releases.
  static let formerNames = [
    "snapshotMode": "snapshot-mode", "customPlatform": "custom-platform", "tarPath": "tar-path",
    "whitelist-var-run": "ignore-var-run",
  ]

  static func named(_ name: String) -> ExecutorFlag? { all.first { $0.name == formerNames[name] ?? name } }

  private static let input = [
    ExecutorFlag("context", short: "c", .value, "dir://, a path, tar://FILE, tar://stdin or a git address"),
    ExecutorFlag("context-sub-path", .value, "The directory of the context that is its root"),
    ExecutorFlag("dockerfile", short: "f", .value, "The Dockerfile, in the context or on this machine"),
    ExecutorFlag("build-arg", .list, "NAME=VALUE; NAME alone takes the environment's value"),
    ExecutorFlag("target", .value, "The stage to build"),
    ExecutorFlag("custom-platform", .value, "Such as linux/amd64"),
    ExecutorFlag("secret", .list, "id=ID,src=FILE or id=ID,env=NAME, for RUN --mount=type=secret"),
    ExecutorFlag("build-context", .list, "NAME=DIR, an archive, docker-image://, oci-layout://, target: or git"),
    ExecutorFlag("ssh", .list, "default or ID=SOCKET: an ssh agent, for RUN --mount=type=ssh"),
    ExecutorFlag("allow", .list, "security.insecure, for RUN --security=insecure; network.host"),
    ExecutorFlag("git", .list, "branch=NAME,recurse-submodules=true, for git contexts"),
    ExecutorFlag("git-limit", .list, "NAME=VALUE: another limit of git, such as object-size=4GiB"),
    ExecutorFlag("bucket", short: "b", .value, "Refused: no bucket can be read"),
  ]

  private static let output = [
    ExecutorFlag("destination", short: "d", .list, "Where the image is pushed; repeat for more"),
    ExecutorFlag("no-push", .bool, "Push nothing (KANIKO_NO_PUSH)"),
    ExecutorFlag("tar-path", .value, "Write the image as 'docker save' does"),
    ExecutorFlag("oci-layout-path", .value, "Write the image as an OCI layout"),
    ExecutorFlag("digest-file", .value, "Write the image's digest"),
    ExecutorFlag("image-name-with-digest-file", .value, "Write NAME@DIGEST for each destination"),
    ExecutorFlag("image-name-tag-with-digest-file", .value, "Write NAME:TAG@DIGEST for each destination"),
    ExecutorFlag("label", .list, "KEY=VALUE for the image's configuration"),
    ExecutorFlag("annotation", .list, "KEY=VALUE for the image's manifest"),
    ExecutorFlag("image-format", .value, "docker or oci (the base image's own)"),
    ExecutorFlag(
      "skip-push-permission-check", .bool, idle: "permissions show when the first blob is pushed"),
    ExecutorFlag("push-ignore-immutable-tag-errors", .bool, "A tag that may not move is no failure"),
  ]

  private static let layers = [
    ExecutorFlag("compression", .value, "gzip or zstd"),
    ExecutorFlag("compression-level", .value, "The compression's own scale"),
    ExecutorFlag("reproducible", .bool, "All dates are 1970-01-01"),
    ExecutorFlag("single-snapshot", .bool, "One layer for all steps of the last stage"),
    ExecutorFlag("ignore-path", .list, "Leave a path out of every layer"),
    ExecutorFlag("ignore-var-run", .bool, idle: "/var/run of the image is its own and kept"),
    ExecutorFlag("snapshot-mode", .value, idle: "a step's changes are always found exactly"),
    ExecutorFlag("use-new-run", .bool, idle: "a step's changes are never searched for"),
    ExecutorFlag("skip-unused-stages", .bool, idle: "stages nothing uses are never built"),
    ExecutorFlag("force-build-metadata", .bool, idle: "every instruction's metadata is kept"),
    ExecutorFlag("materialize", .bool, idle: "files are put on disk when a step needs them"),
    ExecutorFlag("initial-fs-unpacked", .bool, idle: "the image is never unpacked onto this machine"),
    ExecutorFlag("preserve-context", .bool, idle: "the context is never written to"),
    ExecutorFlag("pre-cleanup", .bool, idle: "builds share nothing that had to be cleaned"),
  ]

  private static let caching = [
    ExecutorFlag("cache", .bool, "Take unchanged steps from the last builds"),
    ExecutorFlag("cache-repo", .value, "HOST/PATH or oci:DIR that shares steps; else DESTINATION/cache"),
    ExecutorFlag("cache-dir", .value, idle: "warmed images are not read; bases are kept with the steps"),
    ExecutorFlag("cache-ttl", .value, "How old a cached step may be (336h; this machine's own: any age)"),
    ExecutorFlag("cache-copy-layers", .bool, "Share layers of COPY, ADD and WORKDIR too"),
    ExecutorFlag("cache-run-layers", .bool, "Share layers of RUN; on unless it is =false"),
    ExecutorFlag("compressed-caching", .bool, idle: "no layer is ever held in memory"),
    ExecutorFlag("no-push-cache", .bool, "Take steps from the shared cache and put none there"),
  ]

  private static let registries = [
    ExecutorFlag("insecure", .bool, "Push by plain HTTP"),
    ExecutorFlag("insecure-pull", .bool, "Pull by plain HTTP"),
    ExecutorFlag("insecure-registry", .list, "Speak plain HTTP with this registry"),
    ExecutorFlag("skip-tls-verify", .bool, "Push without checking certificates"),
    ExecutorFlag("skip-tls-verify-pull", .bool, "Pull without checking certificates"),
    ExecutorFlag("skip-tls-verify-registry", .list, "Do not check this registry's certificate"),
    ExecutorFlag("registry-certificate", .list, "HOST=FILE: trust the certificate for this registry"),
    ExecutorFlag("registry-client-cert", .list, "HOST=CERT,KEY: shown to this registry"),
    ExecutorFlag("registry-map", .list, "HOST=OTHER[;HOST=OTHER]: pull from there instead (KANIKO_REGISTRY_MAP)"),
    ExecutorFlag("registry-mirror", .list, "Pull from here instead of Docker Hub (KANIKO_REGISTRY_MIRROR)"),
    ExecutorFlag("skip-default-registry-fallback", .bool, "Do not ask the registry itself after its mirrors"),
    ExecutorFlag("credential-helpers", .list, idle: "the docker configuration names its helpers itself"),
    ExecutorFlag("push-retry", .value, "How often a push is tried again"),
    ExecutorFlag("image-download-retry", .value, "How often a pull is tried again"),
    ExecutorFlag("image-fs-extract-retry", .value, idle: "unpacking reads only what is on this machine"),
  ]

  private static let process = [
    ExecutorFlag("verbosity", short: "v", .value, "trace, debug, info, warn, error, fatal or panic"),
    ExecutorFlag("log-format", .value, "color, text or json"),
    ExecutorFlag("log-timestamp", .bool, "Dates instead of seconds"),
    ExecutorFlag("kaniko-dir", .value, "Keep the build's data here (KANIKO_DIR)"),
    ExecutorFlag("cleanup", .bool, "Remove the build's data at the end"),
    ExecutorFlag("dryrun", .bool, "Print the plan and build nothing"),
    ExecutorFlag("force", .bool, idle: "nothing of this machine is changed"),
  ]

  /// All flags as aligned lines, for `--help`.
  static var listing: [String] {
    all.map { flag in
      let value = flag.kind == .bool ? "" : " VALUE"
      let name = (flag.short.map { "-\($0), " } ?? "    ") + "--" + flag.name + value
      return "  " + name + String(repeating: " ", count: max(1, 46 - name.count)) + flag.help
    }
  }
}
