import Diagnostics
import Dockerfile
import OCI
import SystemPackage

/// Makes a plan: decides which stages are needed, asks for their base images' configurations, expands every word.
struct Planner {
  let dockerfile: ParsedDockerfile
  let order: BuildOrder
  let bases: any BaseImageSource
  private let mask: SecretMask

  private var globals: Scope
  private var usedArguments: Set<String> = []
  private var warnings: [BuildPlan.PlanWarning]

  init(dockerfile: ParsedDockerfile, order: BuildOrder, bases: any BaseImageSource, mask: SecretMask = SecretMask([])) {
    self.dockerfile = dockerfile
    self.order = order
    self.bases = bases
    self.mask = mask
    globals = Scope(environment: [])
    warnings = dockerfile.warnings.map { BuildPlan.PlanWarning(check: $0.check, text: $0.text, source: $0.source) }
  }

  /// `ignored` tells what .dockerignore takes out of the context.
  mutating func plan(ignored: (FilePath) -> Bool = { _ in false }) async throws(Failure) -> BuildPlan {
    try declareGlobals()
    // Triggers are known only with the images that carry them; what they copy from may need stages nobody else does.
    var extra: [Int: Set<Int>] = [:]
    while true {
      let begun = self
      let graph = try graph(extra: extra)
      let (plan, missing) = try await plan(graph, ignored: ignored)
      if let plan { return plan }
      self = begun
      extra.merge(missing) { $0.union($1) }
    }
  }

  private func graph(extra: [Int: Set<Int>]) throws(Failure) -> StageGraph {
    let globals = self.globals
    return try StageGraph(dockerfile, target: order.target, contexts: order.namedContexts, extra: extra) {
      (word, _) throws(Failure) in
      try Expansion.expand(word, escape: dockerfile.directives.escape) { globals.value(of: $0) }
    }
  }

  /// The plan, or the stages that are missing from `graph`, by the stage that needs them.
  private mutating func plan(
    _ graph: StageGraph, ignored: (FilePath) -> Bool
  ) async throws(Failure) -> (BuildPlan?, missing: [Int: Set<Int>]) {
    let globals = self.globals
    var done: [Int: Done] = [:]
    var stages: [PlannedStage] = []
    var number = 1
    for index in graph.needed {
      let stage = dockerfile.stages[index]
      var beginning = try await begin(stage, graph, done)
      // BuildKit: every image has a PATH, so that its commands are found the same way while building and later.
      if beginning.scope.value(of: "PATH") == nil { beginning.scope.setEnvironment("PATH", Self.defaultPath) }
      var planner = StagePlanner(
        stage: stage, dockerfile: dockerfile, order: order, mask: mask, globals: globals, config: beginning.config,
        scope: beginning.scope, firstNumber: number)
      if let name = beginning.rootContext { planner.addRoot(of: name) }
      let triggers = try triggers(of: beginning.origin, beginning.config)
      let missing = graph.stages(usedBy: triggers).subtracting(graph.needed)
      guard missing.isEmpty else { return (nil, [index: missing]) }
      for trigger in triggers {
        try await planner.add(trigger, at: stage.opening, graph: graph, bases: bases)
      }
      for instruction in stage.instructions {
        try await planner.add(instruction, at: instruction, graph: graph, bases: bases)
      }
      number += planner.steps.count
      usedArguments.formUnion(planner.usedArguments)
      warnings += planner.warnings
      done[index] = (planner.finishedConfig, planner.scope, beginning.platform)
      stages.append(
        PlannedStage(
          index: index, name: stage.name, origin: beginning.origin, platform: beginning.platform,
          steps: planner.steps, config: planner.finishedConfig))
    }
    warnAboutUnusedArguments()
    try checkDefaults()
    for stage in stages { checkSources(of: stage, ignored: ignored) }
    let choice = try CheckChoice(dockerfile, arguments: order.buildArgs)
    var plan = BuildPlan(stages: stages, warnings: choice.kept(warnings), platform: order.platform)
    plan.secretArguments = usedArguments.filter { order.given($0)?.isSecret == true }.sorted()
    return (plan, [:])
  }

  /// ARGs before the first FROM, and the platform's: what FROM lines see.
  private mutating func declareGlobals() throws(Failure) {
    for (name, value) in PredefinedArguments.globals(order.platform, target: order.target) {
      globals.setArgument(name, order.buildArgs[name] ?? value)
    }
    for argument in dockerfile.metaArgs {
      let scope = globals
      if let given = order.given(argument.name) {
        usedArguments.insert(argument.name)
        globals.setArgument(argument.name, given.value, isSecret: given.isSecret)
      } else if let word = argument.defaultValue {
        globals.setArgument(
          argument.name, try Expansion.expand(word, escape: dockerfile.directives.escape) { scope.value(of: $0) })
      }
    }
  }

  private static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

  /// What a stage begins with.
  private struct Beginning {
    var origin: PlannedStage.Origin
    /// The named context whose files come first.
    var rootContext: String?
    var platform: Platform
    var config: ImageConfig
    var scope: Scope
  }

  private typealias Done = (config: ImageConfig, scope: Scope, platform: Platform)

  private mutating func begin(
    _ stage: Stage, _ graph: StageGraph, _ done: [Int: Done]
  ) async throws(Failure) -> Beginning {
    let platform = try platform(of: stage)
    let empty = Beginning(
      origin: .scratch, platform: platform, config: ImageConfig(platform: platform), scope: Scope(environment: []))
    switch graph.origin(of: stage.index) {
    case .scratch: return empty
    case .files(let name):
      var beginning = empty
      beginning.rootContext = name
      return beginning
    case .stage(let index):
      guard let base = done[index] else {
        throw Failure(.internal, reason: "plan-order", "stage \(index) was not planned before it was used")
      }
      // BuildKit: a stage stays what the one it begins from is for.
      return Beginning(origin: .stage(index), platform: base.platform, config: base.config, scope: base.scope)
    case .image(let reference):
      guard !reference.isEmpty else {
        throw Failure(
          .invalidArgument, reason: "base-image-empty", "FROM names no image: '\(stage.from.image)' is empty",
          source: stage.opening.excerpt(in: dockerfile),
          hint: "give the ARG a default before FROM, or pass it as a build arg")
      }
      var image = try await base(reference, platform, for: stage)
      // Docker: an image built on another starts its own health of metadata, but keeps the container's settings.
      image.config.created = nil
      return Beginning(
        origin: .image(image), platform: platform, config: image.config,
        scope: Scope(environment: image.config.config?.env ?? []))
    }
  }

  /// `FROM --platform`, else the build's. BuildKit: an architecture alone is one of Linux.
  private func platform(of stage: Stage) throws(Failure) -> Platform {
    guard let word = stage.from.platform else { return order.platform }
    let text = try expand(word, in: globals)
    if let platform = Platform(text) ?? Platform("linux/" + text) { return platform }
    throw Failure(
      .invalidArgument, reason: "platform-invalid", "FROM --platform=\(word): '\(text)' is not OS/ARCHITECTURE",
      source: stage.opening.excerpt(in: dockerfile), hint: "write it like linux/arm64, or use $BUILDPLATFORM")
  }

  private mutating func base(
    _ reference: String, _ platform: Platform, for stage: Stage
  ) async throws(Failure) -> BaseImage {
    let place = stage.opening.excerpt(in: dockerfile)
    do {
      let image = try await bases.image(reference, platform: platform, for: order.organization)
      if !image.config.platform.matches(platform) {
        warnings.append(
          BuildPlan.PlanWarning(
            check: nil,
            text: "base image '\(reference)' is for \(image.config.platform), and \(platform) was asked for",
            source: place))
      }
      return image
    } catch {
      var failure = error
      if failure.source == nil { failure.source = place }
      throw failure
    }
  }

  /// ONBUILD instructions of what a stage begins from, an image or a stage, run right after FROM, once (Dockerfile
  /// reference, ONBUILD).
  private func triggers(of origin: PlannedStage.Origin, _ config: ImageConfig) throws(Failure) -> [Instruction] {
    guard origin != .scratch, let texts = config.config?.onBuild else { return [] }
    var instructions: [Instruction] = []
    for text in texts { instructions.append(try DockerfileParser.parseTrigger(text)) }
    return instructions
  }

  /// Every FROM should name an image when nobody gives build arguments.
  private mutating func checkDefaults() throws(Failure) {
    var scope = Scope(
      environment: [],
      arguments: PredefinedArguments.globals(order.platform, target: order.target).map { ($0.key, $0.value) })
    for argument in dockerfile.metaArgs {
      guard let word = argument.defaultValue else { continue }
      scope.setArgument(argument.name, try expand(word, in: scope))
    }
    for stage in dockerfile.stages where stage.from.image.contains("$") {
      let name = (try? expand(stage.from.image, in: scope)) ?? ""
      let isStage = dockerfile.stages[..<stage.index].contains { $0.key == name.lowercased() }
      guard !isStage, name.lowercased() != "scratch", (try? Reference(name)) == nil else { continue }
      warnings.append(
        BuildPlan.PlanWarning(
          check: .invalidDefaultArgInFrom,
          text: "FROM \(stage.from.image) names no image ('\(name)') unless build arguments are given",
          source: stage.opening.excerpt(in: dockerfile)))
    }
  }

  private mutating func checkSources(of stage: PlannedStage, ignored: (FilePath) -> Bool) {
    for step in stage.steps {
      guard case .copy(let action) = step.action, action.origin == .context else { continue }
      for case .path(let word) in action.sources
      where ignored(FilePath(root: nil, FilePath(word).lexicallyNormalized().components)) {
        warnings.append(
          BuildPlan.PlanWarning(
            check: .copyIgnoredFile, text: "'\(word)' is taken out of the context by .dockerignore",
            source: step.source))
      }
    }
  }

  private func expand(_ word: String, in scope: Scope) throws(Failure) -> String {
    try Expansion.expand(word, escape: dockerfile.directives.escape) { scope.value(of: $0) }
  }

  private mutating func warnAboutUnusedArguments() {
    let unused = order.buildArgs.keys.filter {
      !usedArguments.contains($0) && !PredefinedArguments.isBuiltIn($0)
    }
    guard !unused.isEmpty else { return }
    warnings.append(
      BuildPlan.PlanWarning(
        check: nil, text: "build arguments that no ARG declares: " + unused.sorted().joined(separator: ", "),
        source: nil))
  }
}
