import Diagnostics
import Dockerfile

/// Which stages a target needs, and what the stages' FROM lines mean.
struct StageGraph {
  /// What a FROM or a `--from` names.
  enum Origin: Hashable {
    case scratch
    case stage(Int)
    case image(String)
  }

  let dockerfile: ParsedDockerfile
  let target: Int
  /// FROM of each stage, its image word expanded.
  private let origins: [Origin]
  /// By lower-case name.
  private let contexts: [String: NamedContext]
  /// Needed stages in the order of the file; every one comes after those it uses.
  let needed: [Int]

  /// `extra` are stages that are needed for what this file does not show, such as triggers of a base.
  init(
    _ dockerfile: ParsedDockerfile, target: String?, contexts: [String: NamedContext] = [:], extra: Set<Int> = [],
    expand: (String, FromInstruction) throws(Failure) -> String
  ) throws(Failure) {
    self.dockerfile = dockerfile
    let contexts = Dictionary(contexts.map { ($0.key.lowercased(), $0.value) }) { $1 }
    self.contexts = contexts
    let stages = dockerfile.stages
    var origins: [Origin] = []
    for stage in stages {
      let word = try expand(stage.from.image, stage.from)
      origins.append(Self.origin(word, before: stage.index, in: stages, contexts))
    }
    self.origins = origins
    self.target = try Self.target(target, in: dockerfile)
    var seen: Set<Int> = []
    var open = [self.target] + extra
    while let next = open.popLast() {
      guard seen.insert(next).inserted else { continue }
      if case .stage(let base) = origins[next] { open.append(base) }
      for instruction in stages[next].instructions {
        guard let from = instruction.transferOrigin else { continue }
        if case .stage(let used) = Self.origin(from, before: next, in: stages, contexts) { open.append(used) }
      }
    }
    needed = seen.sorted()
  }

  func origin(of stage: Int) -> Origin { origins[stage] }

  /// What `--from=word` means inside stage `index`: a named context, an earlier stage by name or number, else an image.
  func origin(_ word: String, inStage index: Int) -> Origin {
    Self.origin(word, before: index, in: dockerfile.stages, contexts)
  }

  /// The stages that instructions of stage `index` use.
  func stages(usedBy instructions: [Instruction], in index: Int) -> Set<Int> {
    var used: Set<Int> = []
    for instruction in instructions {
      guard let from = instruction.transferOrigin else { continue }
      if case .stage(let stage) = origin(from, inStage: index) { used.insert(stage) }
    }
    return used
  }

  private static func origin(
    _ word: String, before index: Int, in stages: [Stage], _ contexts: [String: NamedContext]
  ) -> Origin {
    if word.lowercased() == "scratch" { return .scratch }
    switch contexts[word.lowercased()] {
    case .image(let reference): return .image(reference)
    // Without contexts, so that one that names itself means the stage.
    case .stage(let name): return origin(name, before: index, in: stages, [:])
    case nil: break
    }
    if let named = stages[..<index].last(where: { $0.name?.lowercased() == word.lowercased() }) {
      return .stage(named.index)
    }
    if let number = Int(word), (0..<index).contains(number) { return .stage(number) }
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
  /// The word of COPY's or ADD's `--from`.
  var transferOrigin: String? {
    switch kind {
    case .copy(let transfer), .add(let transfer): transfer.from
    default: nil
    }
  }
}
