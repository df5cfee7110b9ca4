import Builder
import Diagnostics
import OCI
import Service
import SystemPackage

/// What the executor is asked for: its command line, checked. Nothing was looked up on the machine yet.
struct ExecutorSettings: Sendable, Hashable {
  enum Context: Sendable, Hashable {
    case directory(FilePath)
    case archive(FilePath)
    case standardInput
    /// The address as written, with its `#ref`.
    case git(String)
  }

  enum ImageFormat: String, Sendable, CaseIterable { case docker, oci }

  struct Secret: Sendable, Hashable {
    enum Source: Sendable, Hashable { case file(FilePath), environment(String) }
    var id: String
    var source: Source
  }

  var context: Context
  var contextSubPath = ""
  var dockerfile = "Dockerfile"
  var buildArgs: [String: String] = [:]
  var target: String?
  var platform = Platform.host
  var secrets: [Secret] = []
  var namedContexts = NamedContextWords()
  var grants = BuildGrants()
  var git: GitChoices

  var destinations: [ImageDestination] = []
  var isPushing = true
  var ignoresImmutableTags = false
  var outputs = Outputs()
  var labels: [String: String] = [:]
  var annotations: [String: String] = [:]
  var imageFormat: ImageFormat?

  var layerFormat = LayerFormat()
  var singleSnapshot = false
  var isCaching = false
  var cache: CacheChoices
  var registries: RegistryChoices

  var dataDirectory: FilePath?
  var isCleaning = false
  var isDryRun = false
  var log = ExecutorLog.Settings()
  /// Flags that were given and change nothing, with the reason.
  var idle: [String]

  /// The files a build leaves behind besides what it pushes.
  struct Outputs: Sendable, Hashable {
    var tar: FilePath?
    var layout: FilePath?
    var digest: FilePath?
    var names: FilePath?
    var namesAndTags: FilePath?
  }

  /// Throws what `FlagValues` throws, and a failure that names the flag for each value that cannot be used.
  init(words: [String], environment: [String: String]) throws(Failure) {
    let flags = try FlagValues(words)
    idle = flags.idle.map { "--\($0.name) changes nothing: \($0.why)" }
    context = try Self.context(flags)
    git = try GitChoices(flags)
    registries = try RegistryChoices(flags, environment)
    cache = try CacheChoices(flags)
    try readInput(flags, environment)
    try readOutput(flags, environment)
    try readLayers(flags, environment)
    isCaching = try flags.isOn("cache")
    dataDirectory = (flags.last("kaniko-dir") ?? environment["KANIKO_DIR"]).map { FilePath($0) }
    isCleaning = try flags.isOn("cleanup")
    isDryRun = try flags.isOn("dryrun")
    if case .layout(let folder) = cache.place, folder == outputs.layout {
      throw Failure(
        .invalidArgument, reason: "cache-repo-output", "'\(folder)' cannot hold the cache and the image too",
        hint: "an image layout is written with that image alone: name another folder")
    }
    log = try ExecutorLog.Settings(flags)
  }

  private mutating func readInput(_ flags: FlagValues, _ environment: [String: String]) throws(Failure) {
    contextSubPath = flags.last("context-sub-path") ?? ""
    dockerfile = flags.last("dockerfile") ?? "Dockerfile"
    guard !dockerfile.contains("://") else {
      throw Failure(
        .unimplemented, reason: "dockerfile-url", "dockerfile '\(dockerfile)' is an address, not a path",
        hint: "fetch it into the context first")
    }
    for argument in flags.all("build-arg") {
      // Docker: a name alone passes the caller's variable on, and nothing when it isn't set.
      if argument.contains("=") {
        let (key, value) = try FlagValues.pair("build-arg", argument)
        buildArgs[key] = value
      } else if let value = environment[argument] {
        buildArgs[argument] = value
      }
    }
    target = flags.last("target")
    if let text = flags.last("custom-platform") {
      guard let platform = Platform(text) else {
        throw FlagValues.invalid("custom-platform", text, "OS/ARCHITECTURE, such as linux/amd64")
      }
      self.platform = platform
    }
    for text in flags.all("secret") { secrets.append(try Self.secret(text)) }
    namedContexts = try NamedContextWords(flags.all("build-context"))
    grants.agents = try AgentWord.sockets(flags.all("ssh"), of: "--ssh", environment)
    for text in flags.all("allow") {
      switch text {
      case "security.insecure": grants.allowsInsecure = true
      // A RUN has the machine's network anyway.
      case "network.host": continue
      default: throw FlagValues.invalid("allow", text, "security.insecure or network.host")
      }
    }
  }

  private mutating func readOutput(_ flags: FlagValues, _ environment: [String: String]) throws(Failure) {
    for text in flags.all("destination") { destinations.append(try ImageDestination(text)) }
    var isSilent = try flags.isOn("no-push")
    if let text = environment["KANIKO_NO_PUSH"], let value = FlagValues.bool(text) { isSilent = value }
    isPushing = !isSilent
    ignoresImmutableTags = try flags.isOn("push-ignore-immutable-tag-errors")
    outputs.tar = try Self.file("tar-path", flags)
    outputs.layout = try Self.file("oci-layout-path", flags)
    outputs.digest = try Self.file("digest-file", flags)
    outputs.names = try Self.file("image-name-with-digest-file", flags)
    outputs.namesAndTags = try Self.file("image-name-tag-with-digest-file", flags)
    labels = try flags.pairs("label")
    annotations = try flags.pairs("annotation")
    imageFormat = try flags.choice("image-format", ImageFormat.self)
    guard !destinations.isEmpty || !isPushing else {
      throw Failure(
        .invalidArgument, reason: "destination-missing", "you must provide --destination, or use --no-push")
    }
    guard !destinations.isEmpty || (outputs.names == nil && outputs.namesAndTags == nil) else {
      throw Failure(
        .invalidArgument, reason: "destination-missing", "a file with the image's names needs a --destination")
    }
  }

  private mutating func readLayers(_ flags: FlagValues, _ environment: [String: String]) throws(Failure) {
    layerFormat.packing = try flags.choice("compression", LayerFormat.Packing.self) ?? .gzip
    // Kaniko: -1 is the compression's usual level.
    layerFormat.level = try flags.number("compression-level", least: -1).flatMap { $0 < 0 ? nil : $0 }
    for text in flags.all("ignore-path") {
      let path = FilePath(text).removingRoot().lexicallyNormalized()
      guard FilePath(text).isAbsolute, !path.isEmpty else {
        throw FlagValues.invalid("ignore-path", text, "an absolute path below the root")
      }
      layerFormat.without.append(path)
    }
    singleSnapshot = try flags.isOn("single-snapshot")
    if try flags.isOn("reproducible") {
      layerFormat.latestTime = 0
    } else {
      let name = SourceDateEpoch.name
      layerFormat.latestTime = try SourceDateEpoch.seconds(buildArgs[name] ?? environment[name])
    }
    guard imageFormat == .docker else { return }
    guard layerFormat.packing == .gzip, annotations.isEmpty else {
      throw Failure(
        .invalidArgument, reason: "image-format-unsuitable",
        "docker's image format has neither zstd layers nor annotations", hint: "use --image-format oci")
    }
  }

  private static func file(_ name: String, _ flags: FlagValues) throws(Failure) -> FilePath? {
    guard let text = flags.last(name) else { return nil }
    guard !text.contains("://") else {
      throw Failure(
        .unimplemented, reason: "output-url", "'--\(name)=\(text)' is an address, not a path",
        hint: "write a file and send it with curl")
    }
    return FilePath(text)
  }

  private static func secret(_ text: String) throws(Failure) -> Secret {
    var fields: [String: String] = [:]
    for part in text.split(separator: ",") {
      let (key, value) = try FlagValues.pair("secret", String(part))
      fields[key] = value
    }
    let known: Set<String> = ["id", "src", "source", "env", "type"]
    if let id = fields["id"], !id.isEmpty, known.isSuperset(of: fields.keys) {
      if let path = fields["src"] ?? fields["source"] { return Secret(id: id, source: .file(FilePath(path))) }
      // Docker: without a source the id names a variable.
      return Secret(id: id, source: .environment(fields["env"] ?? id))
    }
    throw FlagValues.invalid("secret", text, "id=ID,src=FILE or id=ID,env=NAME")
  }

  private static func context(_ flags: FlagValues) throws(Failure) -> Context {
    if let bucket = flags.last("bucket") { throw unreadable("bucket '\(bucket)'") }
    // Kaniko: the directory its container has for this.
    let text = flags.last("context") ?? "/workspace/"
    guard let end = text.firstRange(of: "://") else { return .directory(FilePath(text)) }
    let path = String(text[end.upperBound...])
    switch text[..<end.lowerBound].lowercased() {
    case "dir": return .directory(FilePath(path))
    case "tar": return path == "stdin" ? .standardInput : .archive(FilePath(path))
    case "git", "https", "http", "ssh": return .git(text)
    default: throw unreadable("context '\(text)'")
    }
  }

  private static func unreadable(_ what: String) -> Failure {
    Failure(
      .unimplemented, reason: "context-scheme", "\(what) cannot be read",
      hint: "use dir://, tar:// (a file or stdin) or a git address")
  }
}
