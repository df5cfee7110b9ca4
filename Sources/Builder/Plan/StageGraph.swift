import Diagnostics
import Dockerfile

/// Which stages a target needs, and what the stages' FROM lines mean.
struct StageGraph {
  /// What a FROM or a `--from` names.
  enum Origin: Hashable {
    case scratch
    case stage(Int)
    case image(String)
    /// A named context with files, by its name's key.
    case files(String)
  }

  let dockerfile: ParsedDockerfile
  let target: Int
  /// FROM of each stage, its image word expanded.
  private let origins: [Origin]
  /// By their names' keys.
  private let contexts: [String: NamedContext]
  /// Needed stages in the order of the file; every one comes after those it uses.
  let needed: [Int]

  /// `extra` are stages that a stage uses for what this file does not show, such as triggers of its base.
  init(
    _ dockerfile: ParsedDockerfile, target: String?, contexts: [String: NamedContext] = [:],
    extra: [Int: Set<Int>] = [:],
    expand: (String, FromInstruction) throws(Failure) -> String
  ) throws(Failure) {
    self.dockerfile = dockerfile
    let contexts = Dictionary(contexts.map { (ContextName.key(of: $0.key), $0.value) }) { $1 }
    self.contexts = contexts
    let stages = dockerfile.stages
    var origins: [Origin] = []
    for stage in stages {
      let word = try expand(stage.from.image, stage.from)
      origins.append(Self.origin(word, in: stages[..<stage.index], contexts))
    }
    self.origins = origins
    self.target = try Self.target(target, in: dockerfile)
    var uses: [Int: Set<Int>] = [:]
    var open = [self.target]
    while let next = open.popLast() {
      guard uses[next] == nil else { continue }
      var used = extra[next] ?? []
      if case .stage(let base) = origins[next] { used.insert(base) }
      for from in stages[next].instructions.flatMap(\.origins) {
        if case .stage(let stage) = Self.origin(from, in: stages[...], contexts) { used.insert(stage) }
      }
      uses[next] = used
      open += used
    }
    needed = try Self.order(uses, dockerfile)
  }

  /// Every stage after those it uses, else as in the file. BuildKit: `--from` may name a stage further down.
  private static func order(_ uses: [Int: Set<Int>], _ dockerfile: ParsedDockerfile) throws(Failure) -> [Int] {
    var order: [Int] = []
    var waiting = uses
    while !waiting.isEmpty {
      guard let next = waiting.filter({ $0.value.isSubset(of: order) }).keys.min() else {
        let circle = waiting.keys.sorted().map { dockerfile.stages[$0] }
        throw Failure(
          .invalidArgument, reason: "stages-circular",
          "stages use each other in a circle: " + circle.map { $0.name ?? String($0.index) }.joined(separator: ", "),
          source: circle[0].opening.excerpt(in: dockerfile),
          hint: "let one of them copy from a stage that does not need it")
      }
      order.append(next)
      waiting[next] = nil
    }
    return order
  }

  func origin(of stage: Int) -> Origin { origins[stage] }

  /// What `--from=word` means: a named context, a stage by name or number, else an image.
  func origin(_ word: String) -> Origin { Self.origin(word, in: dockerfile.stages[...], contexts) }

  /// The stages that instructions use.
  func stages(usedBy instructions: [Instruction]) -> Set<Int> {
    var used: Set<Int> = []
    for from in instructions.flatMap(\.origins) { if case .stage(let stage) = origin(from) { used.insert(stage) } }
    return used
  }

  private static func origin(
    _ word: String, in stages: ArraySlice<Stage>, _ contexts: [String: NamedContext]
  ) -> Origin {
    if word.lowercased() == "scratch" { return .scratch }
    switch contexts.isEmpty ? nil : contexts[ContextName.key(of: word)] {
    case .image(let reference): return .image(reference)
    // Without contexts, so that one that names itself means the stage.
    case .stage(let name): return origin(name, in: stages, [:])
    case .files, .git: return .files(ContextName.key(of: word))
    case nil: break
    }
    if let named = stages.last(where: { $0.key == word.lowercased() }) { return .stage(named.index) }
    if let number = Int(word), stages.indices.contains(number) { return .stage(number) }
    return .image(word)
  }

  private static func target(_ name: String?, in dockerfile: ParsedDockerfile) throws(Failure) -> Int {
    let stages = dockerfile.stages
    guard let name else { return stages.count - 1 }
    if let stage = stages.last(where: { $0.name?.lowercased() == name.lowercased() }) { return stage.index }
    if let number = Int(name), stages.indices.contains(number) { return number }
    throw Failure(
      .invalidArgument, reason: "target-unknown", "target stage '\(name)' is not in \(dockerfile.file)",
      hint: "stages there: " + stages.map { $0.name ?? String($0.index) }.joined(separator: ", "))
  }
}

extension Instruction {
  /// The words of `--from` of COPY and ADD, and of `from=` in the mounts of RUN.
  var origins: [String] {
    switch kind {
    case .copy(let transfer), .add(let transfer): transfer.from.map { [$0] } ?? []
    case .run(let run): run.mountFlags.compactMap { Mount.origin(of: $0) }
    default: []
    }
  }
}
