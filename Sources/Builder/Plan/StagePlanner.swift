import Diagnostics
import Dockerfile
import OCI

/// Plans one stage, instruction by instruction, carrying the configuration and the variables in scope.
struct StagePlanner {
  let stage: Stage
  let dockerfile: ParsedDockerfile
  let order: BuildOrder
  private let mask: SecretMask
  let globals: Scope
  private(set) var scope: Scope
  private(set) var steps: [PlannedStep] = []
  private(set) var usedArguments: Set<String> = []
  private(set) var warnings: [BuildPlan.PlanWarning] = []

  private var config: ImageConfig
  private(set) var container: ImageConfig.Container
  private var cmdSetHere = false
  private let undefined = UndefinedVariables()
  private let usedSecrets = UsedSecrets()
  private let firstNumber: Int

  init(
    stage: Stage, dockerfile: ParsedDockerfile, order: BuildOrder, mask: SecretMask, globals: Scope,
    config: ImageConfig, scope: Scope, firstNumber: Int
  ) {
    self.stage = stage
    self.dockerfile = dockerfile
    self.order = order
    self.mask = mask
    self.globals = globals
    self.config = config
    self.container = config.config ?? ImageConfig.Container()
    self.scope = scope
    self.firstNumber = firstNumber
    // ONBUILD triggers were consumed by this FROM; they do not fire in grandchildren.
    container.onBuild = nil
  }

  /// The configuration after the instructions added so far.
  var finishedConfig: ImageConfig {
    var result = config
    var settings = container
    settings.env = scope.environment.isEmpty ? nil : scope.environment
    result.config = settings
    return result
  }

  /// Plans an instruction; what it says of its place in the file are the lines of `place`, FROM for a trigger.
  mutating func add(
    _ instruction: Instruction, at place: Instruction, graph: StageGraph, bases: any BaseImageSource
  ) async throws(Failure) {
    do {
      switch instruction.kind {
      case .run(let run):
        let origins = try await self.origins(of: run, graph, bases)
        append(instruction, place, .run(try action(of: run, origins)), history: history(of: run))
      case .copy(let transfer), .add(let transfer):
        let origin = try await self.origin(of: transfer, graph, bases)
        let action = try action(of: transfer, from: origin)
        let history = try history(of: transfer, action)
        append(instruction, place, .copy(action), history: history)
        warnOfSecrets(in: [history] + action.inlineContents, instruction, at: place)
      case .workdir(let path):
        let directory = Self.resolve(try expand(path), from: container.workingDir ?? "/")
        container.workingDir = directory
        append(
          instruction, place, .makeDirectory(directory, user: container.user ?? ""), history: "WORKDIR \(directory)")
        warnOfSecrets(in: [directory], instruction, at: place)
      default:
        let history = try configure(instruction)
        append(instruction, place, .configure, history: history)
        if case .arg = instruction.kind {
        } else {
          warnOfSecrets(in: [history ?? instruction.original], instruction, at: place)
        }
      }
      warnOfUndefined(at: place)
      _ = usedSecrets.take()
    } catch {
      var failure = error
      if failure.source == nil { failure.source = place.excerpt(in: dockerfile) }
      throw failure
    }
  }

  /// Plans `FROM name` of a named context: its files are the stage's root file system.
  mutating func addRoot(of name: String) {
    append(
      stage.opening, stage.opening,
      .copy(
        CopyAction(
          origin: .named(name), sources: [.path("/")], destination: "/", endsWithSlash: true, owner: nil, mode: nil,
          unpacksArchives: false, excludes: [])))
  }

  // MARK: - Instructions that only change the configuration

  private mutating func configure(_ instruction: Instruction) throws(Failure) -> String? {
    switch instruction.kind {
    case .arg(let declarations): return try declare(declarations)
    case .env(let pairs):
      var shown: [String] = []
      // All values of one ENV see the variables as they were before it (Dockerfile reference, "Environment replacement").
      let before = self
      for pair in pairs {
        let (key, value) = (try before.expand(pair.key), try before.expand(pair.value))
        scope.setEnvironment(key, value)
        shown.append("\(key)=\(value)")
      }
      return "ENV " + shown.joined(separator: " ")
    case .label(let pairs):
      var shown: [String] = []
      for pair in pairs {
        let (key, value) = (try expand(pair.key), try expand(pair.value))
        container.labels = (container.labels ?? [:]).merging([key: value]) { $1 }
        shown.append("\(key)=\(value)")
      }
      return "LABEL " + shown.joined(separator: " ")
    case .user(let word):
      let user = try expand(word)
      container.user = user
      return "USER \(user)"
    case .expose(let words): return "EXPOSE [\(try expose(words).joined(separator: " "))]"
    case .volume(let words):
      var paths: [String] = []
      for word in words {
        let path = try expand(word)
        paths.append(path)
        guard !path.isEmpty else {
          throw Failure(.invalidArgument, reason: "volume-empty", "VOLUME names an empty path")
        }
        container.volumes = (container.volumes ?? [:]).merging([path: ImageConfig.Empty()]) { $1 }
      }
      return "VOLUME [\(paths.joined(separator: " "))]"
    case .cmd(let form):
      let words = arguments(of: form)
      container.cmd = words
      cmdSetHere = true
      return "CMD \(Self.quoted(words))"
    case .entrypoint(let form):
      let words = arguments(of: form)
      container.entrypoint = words
      // Docker: an ENTRYPOINT clears the CMD that came from the base image (BuildKit, dispatchEntrypoint).
      if !cmdSetHere { container.cmd = nil }
      return "ENTRYPOINT \(Self.quoted(words))"
    case .shell(let words):
      container.shell = words
      return "SHELL [\(words.joined(separator: " "))]"
    case .stopSignal(let word):
      let signal = try expand(word)
      try stop(with: signal)
      return "STOPSIGNAL \(signal)"
    case .healthcheck(let check): container.healthcheck = healthcheck(check)
    case .onbuild(let text, _): container.onBuild = (container.onBuild ?? []) + [text]
    case .maintainer(let name): config.author = name
    default:
      throw Failure(
        .unimplemented, reason: "instruction-unimplemented", "instruction '\(instruction.original)' cannot be run yet")
    }
    return nil
  }

  private mutating func declare(_ declarations: [ArgDeclaration]) throws(Failure) -> String {
    var shown: [String] = []
    for declaration in declarations {
      let name = declaration.name
      usedArguments.insert(name)
      let given = order.given(name)
      var value = given?.value
      if value == nil, let word = declaration.defaultValue { value = try expand(word) }
      // BuildKit: the platform's arguments are among the globals, so a default in the stage hides them too.
      if value == nil { value = globals.value(of: name) }
      scope.declare(name)
      // What was made of a secret, as by `ARG URL=https://$TOKEN@host`, is one too.
      let isSecret = given?.isSecret == true || value.map(mask.isIn) == true || globals.isSecret(name) && given == nil
      if let value { scope.setArgument(name, value, isSecret: isSecret) }
      shown.append(value.map { "\(name)=\(isSecret ? SecretValue.mask : $0)" } ?? name)
    }
    return "ARG " + shown.joined(separator: " ")
  }

  /// Words as BuildKit's history shows them, in Go's quotes.
  private static func quoted(_ words: [String]) -> String {
    let shown = words.map { word in
      word.unicodeScalars.reduce(into: "") { text, scalar in
        switch scalar {
        case "\"", "\\": text += "\\\(scalar)"
        case "\n": text += "\\n"
        case "\t": text += "\\t"
        case "\r": text += "\\r"
        default: text.unicodeScalars.append(scalar)
        }
      }
    }
    return "[" + shown.map { "\"\($0)\"" }.joined(separator: " ") + "]"
  }

  /// The ports, in the order written.
  private mutating func expose(_ words: [String]) throws(Failure) -> [String] {
    var all: [String] = []
    let scope = self.scope
    for word in words {
      let ports = try Expansion.expandWords(
        word, escape: dockerfile.directives.escape, lookup: { scope.value(of: $0) },
        observe: { note($0, scope) })
      for port in ports {
        for exposed in try ExposedPorts.parse(port) {
          container.exposedPorts = (container.exposedPorts ?? [:]).merging([exposed: ImageConfig.Empty()]) { $1 }
          all.append(exposed)
        }
      }
    }
    return all
  }

  /// Docker: checked while building, so that no container learns of it when it is to end.
  private mutating func stop(with signal: String) throws(Failure) {
    guard SignalName.isKnown(signal) else {
      throw Failure(
        .invalidArgument, reason: "stop-signal-unknown", "STOPSIGNAL '\(signal)' is no signal",
        hint: "write a name such as SIGTERM, or a number")
    }
    container.stopSignal = signal
  }

  private func healthcheck(_ check: Healthcheck) -> ImageConfig.Healthcheck {
    var result = ImageConfig.Healthcheck()
    guard case .probe(let probe) = check else {
      result.test = ["NONE"]
      return result
    }
    switch probe.command {
    case .shell(let text): result.test = ["CMD-SHELL", text]
    case .exec(let words): result.test = ["CMD"] + words
    }
    result.interval = probe.intervalNanoseconds
    result.timeout = probe.timeoutNanoseconds
    result.startPeriod = probe.startPeriodNanoseconds
    result.startInterval = probe.startIntervalNanoseconds
    result.retries = probe.retries
    return result
  }

  private var shell: [String] { container.shell ?? ["/bin/sh", "-c"] }

  func arguments(of form: CommandForm) -> [String] {
    switch form {
    case .shell(let text): shell + [text]
    case .exec(let words): words
    }
  }

  // MARK: - Words

  func expand(_ word: String) throws(Failure) -> String {
    try Expansion.expand(
      word, escape: dockerfile.directives.escape, lookup: { scope.value(of: $0) }, observe: { note($0, scope) })
  }

  /// The same for a heredoc's text.
  func expandDocument(_ text: String) throws(Failure) -> String {
    try Expansion.expandDocument(text, lookup: { scope.value(of: $0) }, observe: { note($0, scope) })
  }

  private func note(_ use: Expansion.VariableUse, _ scope: Scope) {
    undefined.note(use, declared: scope.declared)
    if scope.isSecret(use.name) { usedSecrets.note(use.name) }
  }

  /// Docker: says nothing. Here: `texts` stay in the image, so whoever wrote a secret into them should know.
  private mutating func warnOfSecrets(in texts: [String], _ instruction: Instruction, at place: Instruction) {
    var names = usedSecrets.take()
    if texts.contains(where: mask.isIn) {
      for (name, value) in order.secretArguments where texts.contains(where: SecretMask([value]).isIn) {
        names.insert(name)
      }
    }
    guard !names.isEmpty else { return }
    let word = instruction.original.prefix { $0 != " " && $0 != "\t" }.uppercased()
    let secrets = names.sorted().map { "'\($0)'" }.joined(separator: ", ")
    warnings.append(
      BuildPlan.PlanWarning(
        check: nil,
        text: "\(word) writes build secret \(secrets) into the image, where whoever pulls it can read it",
        source: place.excerpt(in: dockerfile)))
  }

  private mutating func warnOfUndefined(at place: Instruction) {
    for name in undefined.take() {
      let known = scope.environment.map { $0.utf8.prefix { $0 != UInt8(ascii: "=") } }.map { String($0) ?? "" }
      let near = Suggestion.nearest(to: name, among: (known + scope.declared.sorted()).filter { $0 != name })
      warnings.append(
        BuildPlan.PlanWarning(
          check: .undefinedVar,
          text: "variable '$\(name)' is not defined" + (near.map { "; did you mean '$\($0)'?" } ?? ""),
          source: place.excerpt(in: dockerfile)))
    }
  }

  /// `path` seen from `directory`, absolute and without `.`, `..` and doubled slashes.
  static func resolve(_ path: String, from directory: String) -> String {
    var parts: [Substring] = path.hasPrefix("/") ? [] : directory.split(separator: "/")
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// The instruction for plan, log and page: without the passwords of URLs, and for ADD without their queries.
  private static func shown(_ instruction: Instruction) -> String {
    if case .add = instruction.kind { return instruction.original.withoutSecrets }
    return instruction.original.withoutCredentials
  }

  private mutating func append(
    _ instruction: Instruction, _ place: Instruction, _ action: PlannedStep.Action, history: String? = nil
  ) {
    steps.append(
      PlannedStep(
        number: firstNumber + steps.count, instruction: Self.shown(instruction), line: place.lines.lowerBound,
        source: place.excerpt(in: dockerfile), action: action,
        history: mask.text(history ?? instruction.original)))
  }
}

/// EXPOSE words: `80`, `80/udp`, `8000-8010/tcp`.
enum ExposedPorts {
  static func parse(_ word: String) throws(Failure) -> [String] {
    // BuildKit: an address or a port of the host before the port is passed over (check ExposeInvalidFormat).
    let port = word.lastIndex(of: ":").map { word[word.index(after: $0)...] } ?? word[...]
    let parts = port.split(separator: "/", omittingEmptySubsequences: false)
    let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
    let transport = parts.count > 1 ? parts[1].lowercased() : "tcp"
    guard parts.count <= 2, ["tcp", "udp", "sctp"].contains(transport), (1...2).contains(ends.count),
      let first = ends[0], let last = ends.last.flatMap({ $0 }), first <= last
    else {
      throw Failure(
        .invalidArgument, reason: "expose-invalid", "EXPOSE '\(word)' is not a port",
        hint: "write PORT, PORT/udp or FIRST-LAST")
    }
    return (first...last).map { "\($0)/\(transport)" }
  }
}
