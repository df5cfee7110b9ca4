import ArgumentParser
import Diagnostics
import Foundation
import Git
import House
import Logging
import RPC
import Remote
import Runner
import Sandbox
import Service
import Storage
import SystemPackage
import Terminal

/// `kindling start`: the server in the foreground.
struct StartCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start",
    abstract: "Run the server in the foreground",
    discussion: """
      Example:
        kindling start
        kindling start --port 0 --grpc-port 0 --ephemeral --json

      Everything is kept in one data directory. Ctrl-C stops, a second one stops at once.
      """)

  @Option(help: "Port for page, API, registry and gRPC; 0 takes any free one")
  var port: Int?

  @Option(help: "The contract's port for gRPC, a second address of the same door; 0 takes any free one")
  var grpcPort: Int?

  @Option(help: "Address to listen on; anything but loopback lets others in")
  var listen: String?

  @Option(help: "Where everything is kept (KINDLING_DATA_DIR)")
  var dataDir: String?

  @Flag(help: "Keep nothing: a temporary data directory without syncing")
  var ephemeral = false

  @Option(help: ArgumentHelp("Begin with the images, secrets and builds of a folder", valueName: "dir"))
  var seed: String?

  @Option(help: "Which tokens are believed: tokens (of this server), claims (any), off (none needed)")
  var auth: String = AuthenticationMode.tokens.rawValue

  @Flag(help: "Registry clients need a token even on loopback")
  var registryAuth = false

  @Option(help: "A host name requests may name; '*' allows all (repeatable)")
  var allowHost: [String] = []

  @Option(help: "Let builds fetch git from here too: local or ssh (repeatable)")
  var allowGit: [String] = []

  @Option(
    help: ArgumentHelp(
      "Let every build use an ssh agent: default, or ID=SOCKET (repeatable)", valueName: "id=socket"))
  var allowSSHAgent: [String] = []

  @Flag(help: "Let RUN --security=insecure have every capability of the server")
  var allowInsecure = false

  @Option(
    help: ArgumentHelp("Another limit of git, such as object-size=4GiB (repeatable)", valueName: "name=value"))
  var gitLimit: [String] = []

  @Option(help: ArgumentHelp("Keep so much of what git fetched for later builds", valueName: "size"))
  var gitCache = "10GiB"

  @Option(help: ArgumentHelp("Keep so much in the cache mounts of RUN", valueName: "size"))
  var cacheMounts = "10GiB"

  @Option(help: ArgumentHelp("How long an uploaded context can be built from", valueName: "time"))
  var contextLifetime = TimeSpan(seconds: 86_400)

  @Option(help: ArgumentHelp("Keep so much in the contexts of one organisation", valueName: "size"))
  var contextQuota = "20GiB"

  @Option(help: ArgumentHelp("Keep so much in all contexts together", valueName: "size"))
  var contexts = "60GiB"

  @Option(help: ArgumentHelp("Keep so much of one build's log", valueName: "size"))
  var logLimit = "1GiB"

  @Option(help: "How far builds reach: open, pulls (base images, git, ADD) or none")
  var network: String = NetworkReach.open.rawValue

  @Option(
    help: ArgumentHelp(
      "Rules that apps need not keep: user, root, privileges, health, limits or all (repeatable)", valueName: "rules"))
  var relaxed: [String] = []

  @Flag(help: "SaveDraft makes no apps: they must be created first")
  var strict = false

  @Option(
    help: ArgumentHelp(
      "Apps answer as APP-ORG.DOMAIN; else $IGNITE__DNS_TLS__BASE_DOMAIN or ignite.localhost", valueName: "domain"))
  var appDomain: String?

  @Flag(help: "Also push images to the registry and repository that their build names")
  var pushExternal = false

  @Option(
    help: ArgumentHelp("A registry that may lack TLS or a known certificate (repeatable)", valueName: "host"))
  var insecureRegistry: [String] = []

  @Option(
    help: ArgumentHelp("Ask here first for a registry's images (repeatable)", valueName: "registry=mirror"))
  var registryMirror: [String] = []

  @Option(
    help: ArgumentHelp("gRPC clients use the field numbers of this set of descriptors", valueName: "file"))
  var protoset: String?

  @Option(help: "Builds at once; 'kindling queue' changes it while the server runs")
  var workers = 2

  @Option(help: ArgumentHelp("A build's time when it asks for none; waiting does not count", valueName: "time"))
  var buildTimeout = TimeSpan(seconds: 30 * 60)

  @Option(help: ArgumentHelp("What running builds may still take at Ctrl-C or SIGTERM", valueName: "time"))
  var stopGrace = TimeSpan(seconds: 5)

  @Option(help: "What builds images: sandbox, or scripted (nothing is built; for tests of clients)")
  var builder = BuilderChoice.sandbox

  @Option(help: ArgumentHelp("What scripted builds do; without it they succeed at once", valueName: "file"))
  var script: String?

  @Flag(help: "Print one JSON object when ready, and nothing else, on standard output")
  var json = false

  func run() async throws {
    do { try await serve() } catch let failure as Failure { throw CommandFailure(failure, asJSON: json) }
  }

  private func serve() async throws {
    let began = ContinuousClock.now
    if builder == .sandbox { try Self.enterUserNamespace() }
    ProcessLimits.raiseOpenFiles()
    let folder = try StartedFolder(dataDir, ephemeral: ephemeral)
    defer { folder.removeIfTemporary() }
    let settings = try settings(in: folder)
    let first = !FileManager.default.fileExists(atPath: folder.path.appending("ledger.sqlite").string)
    var logger = Logger(label: "kindling") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .warning
    let left = try await House(settings, logger: logger).run { ready in
      announce(ready, folder: folder, isFirst: first, after: began.duration(to: .now))
    } onStopping: { builds in
      Console.standardError.write(StopText.waiting(for: builds.map { "\($0.id) (\($0.name))" }, upTo: stopGrace) + "\n")
    }
    if !json { Console.standardError.write(StopText.stopped(left) + "\n") }
  }

  /// An ordinary user becomes root of a user namespace first, and this does not return then. Where none can be made the
  /// server starts as it is: everything serves but builds, and those say why.
  private static func enterUserNamespace() throws(Failure) {
    guard UserNamespace.isNeeded else { return }
    do throws(Failure) {
      try UserNamespace.enter(arguments: CommandLine.arguments)
    } catch {
      guard error.reason == "user-namespace-unavailable" else { throw error }
    }
  }

  private func settings(in folder: StartedFolder) throws -> HouseSettings {
    guard let mode = AuthenticationMode(rawValue: auth) else {
      throw Failure(
        .invalidArgument, reason: "auth-mode-unknown", "'--auth \(auth)' is not a mode",
        hint: "use one of: " + AuthenticationMode.allCases.map(\.rawValue).joined(separator: ", "))
    }
    guard (1...BuildQueue.mostWorkers).contains(workers) else {
      throw Failure(
        .invalidArgument, reason: "workers-invalid",
        "'--workers \(workers)' is not between 1 and \(BuildQueue.mostWorkers)")
    }
    let environment = ProcessInfo.processInfo.environment
    let host = listen ?? "127.0.0.1"
    var settings = HouseSettings(
      listen: Door.Address(host: host, port: port ?? 4480),
      grpcListen: try grpcAddress(host: host, environment: environment), dataDirectory: folder.path,
      durability: ephemeral ? .ephemeral : .durable, authentication: mode, registryAuthRequired: registryAuth,
      allowedHosts: allowHost, gitRules: try gitRules(), workers: workers, executable: "/proc/self/exe",
      version: Kindling.version)
    settings.buildTimeout = buildTimeout.duration
    settings.stopGrace = stopGrace.duration
    settings.environment = environment
    settings.network = try reach()
    settings.relaxations = try relaxations()
    settings.isStrict = strict
    settings.grants.agents = try AgentWord.sockets(allowSSHAgent, of: "--allow-ssh-agent", environment)
    settings.grants.allowsInsecure = allowInsecure
    for socket in settings.grants.agents.values { try AgentWord.check(socket) }
    settings.protoset = protoset.map { FilePath($0) }
    settings.gitLimits = try GitLimits(settings: gitLimit)
    settings.gitCache = try budget(gitCache, of: "git-cache")
    settings.cacheMounts = try budget(cacheMounts, of: "cache-mounts")
    settings.contexts.lifetime = contextLifetime.duration
    settings.contexts.organization = try budget(contextQuota, of: "context-quota")
    settings.contexts.total = try budget(contexts, of: "contexts")
    settings.logLimit = try budget(logLimit, of: "log-limit")
    settings.pushesExternally = pushExternal
    settings.seed = seed.map { FilePath($0) }
    settings.remote = try remoteSettings()
    if let domain = appDomain ?? environment["IGNITE__DNS_TLS__BASE_DOMAIN"], !domain.isEmpty {
      settings.appDomain = try AppDomain(domain)
    }
    settings.script = try builder.script(file: script)
    return settings
  }

  private func gitRules() throws -> GitRules {
    var rules = GitRules()
    for word in allowGit {
      switch word {
      case "local": rules.allowsLocal = true
      case "ssh": rules.allowsSSH = true
      default:
        throw Failure(
          .invalidArgument, reason: "git-transport-unknown", "'--allow-git \(word)' is neither 'local' nor 'ssh'",
          hint: "http and https are always allowed")
      }
    }
    return rules
  }

  private func budget(_ text: String, of option: String) throws -> ByteCount {
    guard let size = ByteCount(text: text) else {
      throw Failure(
        .invalidArgument, reason: "\(option)-invalid", "'--\(option) \(text)' is not a size",
        hint: "for example: --\(option) 20GiB")
    }
    return size
  }

  private func reach() throws -> NetworkReach {
    guard let reach = NetworkReach(rawValue: network) else {
      throw Failure(
        .invalidArgument, reason: "network-reach-unknown", "'--network \(network)' is not a reach",
        hint: "use one of: " + NetworkReach.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return reach
  }

  private func relaxations() throws -> Relaxations {
    var rules: Relaxations = []
    for word in relaxed.flatMap({ $0.split(separator: ",") }).map({ $0.filter { !$0.isWhitespace } }) {
      if word == "all" {
        for known in Relaxations.words { rules.insert(known.rule) }
        continue
      }
      guard let known = Relaxations.words.first(where: { $0.word == word }) else {
        throw Failure(
          .invalidArgument, reason: "relaxed-unknown", "'--relaxed \(word)' is not a rule of the container contract",
          hint: "use " + Relaxations.words.map(\.word).joined(separator: ", ") + " or all")
      }
      rules.insert(known.rule)
    }
    return rules
  }

  /// A mirror without a registry in front is Docker Hub's, as with docker's own setting.
  private func remoteSettings() throws -> RemoteSettings {
    var remote = RemoteSettings()
    remote.insecureHosts = Set(insecureRegistry.map { $0.lowercased() })
    for text in registryMirror {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.allSatisfy({ !$0.isEmpty }) else {
        throw Failure(
          .invalidArgument, reason: "registry-mirror-invalid", "'--registry-mirror \(text)' is not REGISTRY=MIRROR",
          hint: "for example: --registry-mirror docker.io=mirror.example")
      }
      let host = RemoteName.canonical(host: parts.count == 2 ? parts[0] : "docker.io")
      remote.mirrors[host, default: []].append(parts[parts.count - 1])
    }
    return remote
  }

  /// Flags win over the contract's variable, whose documented default would listen on every address: here it is
  /// loopback unless told otherwise.
  private func grpcAddress(host: String, environment: [String: String]) throws -> Door.Address {
    if grpcPort == nil, let text = environment["IGNITE_API_LISTEN_ADDR"], !text.isEmpty {
      guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]) else {
        throw Failure(
          .invalidArgument, reason: "listen-address-invalid", "IGNITE_API_LISTEN_ADDR '\(text)' is not HOST:PORT")
      }
      let name = text[..<colon].trimmingPrefix("[").prefix { $0 != "]" }
      return Door.Address(host: name.isEmpty ? "0.0.0.0" : String(name), port: port)
    }
    return Door.Address(host: host, port: grpcPort ?? 50051)
  }

  private func announce(_ ready: House.Ready, folder: StartedFolder, isFirst: Bool, after elapsed: Duration) {
    let milliseconds = Int64(elapsed / .milliseconds(1))
    if json {
      let line = ReadyLine(ready, dataDirectory: folder.path.string, readyMilliseconds: milliseconds)
      Console.standardOutput.write(line.text + "\n")
      return
    }
    let file = ready.runFile
    guard Console.standardOutput.isTTY else {
      Console.standardOutput.write(
        "kindling \(file.version) ready in \(milliseconds) ms at \(file.urls.http), gRPC \(file.urls.grpc), "
          + "data \(folder.path)\n")
      for warning in ready.warnings { Console.standardError.write("! \(warning)\n") }
      return
    }
    let banner = Banner(
      version: file.version, readyMilliseconds: milliseconds, pageURL: file.urls.http, registry: ready.registry,
      organization: IdentityService.defaultOrganization, grpc: file.urls.grpc, dataDirectory: folder.path.string,
      dataSummary: isFirst ? "new" : "\(ready.builds)\(ready.builds < 10_000 ? "" : " or more") builds",
      isEphemeral: ephemeral,
      warnings: ready.warnings.map { Banner.Warning($0, fix: "see: kindling status") })
    let lines = banner.lines(Console.standardOutput.appearance)
    Console.standardOutput.write(lines.joined(separator: "\n") + "\n")
  }
}

/// The one object `--json` prints when the server is ready.
private struct ReadyLine: Encodable {
  var kind = "ready"
  var version: String
  var pid: Int32
  var http: String
  var grpc: String
  var registry: String
  var ports: RunFile.Ports
  var dataDirectory: String
  var readyMilliseconds: Int64
  var sandbox: [String: Bool]
  var warnings: [String]

  init(_ ready: House.Ready, dataDirectory: String, readyMilliseconds: Int64) {
    version = ready.runFile.version
    pid = ready.runFile.pid
    http = ready.runFile.urls.http
    grpc = ready.runFile.urls.grpc
    registry = ready.registry
    ports = ready.runFile.ports
    self.dataDirectory = dataDirectory
    self.readyMilliseconds = readyMilliseconds
    sandbox = Dictionary(ready.sandbox.map { ($0.name, $0.ok) }) { $0 && $1 }
    warnings = ready.warnings
  }

  var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}

/// The data directory of this run; a temporary one goes with the server.
private struct StartedFolder {
  let path: FilePath
  private let isTemporary: Bool

  /// Nil `asked` with `ephemeral` makes a temporary directory.
  init(_ asked: String?, ephemeral: Bool) throws(Failure) {
    isTemporary = ephemeral
    guard ephemeral else {
      path = try DataLocation(flag: asked).path
      return
    }
    let folder = FileManager.default.temporaryDirectory.appending(path: "kindling-\(UUID().uuidString)")
    path = FilePath(folder.path())
  }

  func removeIfTemporary() {
    if isTemporary { try? FileManager.default.removeItem(atPath: path.string) }
  }
}
