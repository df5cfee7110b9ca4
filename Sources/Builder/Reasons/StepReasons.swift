import Diagnostics
import OCI
import Storage
import Synchronization

/// Why the steps of one build ran or were cached, told by comparing with the last build of the same name.
///
/// Nothing here may fail a build or decide what is built: where the ledger cannot be read, less is said.
final class StepReasons: Sendable {
  /// How a step came by its layer.
  enum Course: Sendable {
    case uncached
    /// `why` is what became of a layer that is in a shared cache and not used.
    case ran(why: String?)
    case cached
    /// Found in a shared cache.
    case fetched(place: String)
    /// Taken from an equal step of this build or another, which ran just now.
    case shared(build: String)
  }

  private struct State {
    var texts: [Int: String] = [:]
    var fresh: [StepInputs] = []
    /// The first step of each stage, by the stage's title, whose layer may not be that of the last build.
    var changed: [String: Int] = [:]
  }

  private let ledger: Ledger
  private let organization: OrganizationName
  private let build: String
  /// Nil when builds of this order have no name: then there is no last one.
  private let name: String?
  private let digest: StepParts.KeyedDigest
  private let last: [StepInputs.Place: StepInputs]
  private let state = Mutex(State())

  /// `key` is the data directory's, so that digests in the ledger tell nothing of what they were made of.
  init(_ order: BuildOrder, ledger: Ledger, key: [UInt8]) {
    self.ledger = ledger
    organization = order.organization
    build = order.workName
    name = order.buildName
    digest = StepParts.KeyedDigest(key: key)
    let last = order.buildName.flatMap { try? ledger.stepInputs(ofBuilds: $0, of: order.organization) } ?? []
    self.last = Dictionary(last.map { ($0.place, $0) }) { $1 }
  }

  /// What is said of a step; nil when nothing is known.
  func text(of step: Int) -> String? { state.withLock { $0.texts[step] } }

  func tell(_ text: String, of step: Int) { state.withLock { $0.texts[step] = text } }

  /// Works out the reason before the step's command runs; `parts` is asked only when something changed.
  func tell(
    _ course: Course, _ step: PlannedStep, of stage: PlannedStage, key: Digest,
    parts: (StepParts.KeyedDigest) -> StepParts
  ) {
    let place = StepInputs.Place(stage: stage.title, ordinal: step.number - (stage.steps.first?.number ?? step.number))
    let before = last[place]
    let isSame = before?.key == key
    let made = isSame || name == nil ? nil : parts(digest)
    let text: String
    switch course {
    case .uncached: text = "no_cache"
    case .shared(let other): text = other == build ? "made by an equal step" : "made by build \(other)"
    case .cached: text = isSame ? "inputs unchanged since build \(before?.build ?? "")" : "made before"
    case .fetched(let cache): text = "found in \(cache)"
    case .ran(let why):
      var words = why.map { [$0] } ?? []
      if name != nil {
        words.insert(
          before == nil ? "first time" : isSame ? "its layer is gone" : change(at: place, to: made, stage, step), at: 0)
      }
      if words.isEmpty { return }
      text = words.joined(separator: "; ")
    }
    state.withLock { state in
      state.texts[step.number] = text
      if let made {
        state.fresh.append(StepInputs(place: place, key: key, build: build, parts: made.json))
      }
      let isKnown = if case .cached = course { isSame } else { false }
      if !isKnown, state.changed[stage.title] == nil { state.changed[stage.title] = step.number }
    }
  }

  private func change(
    at place: StepInputs.Place, to made: StepParts?, _ stage: PlannedStage, _ step: PlannedStep
  ) -> String {
    guard let name, let made, let json = try? ledger.stepParts(at: place, ofBuilds: name, of: organization),
      let before = StepParts(json: json)
    else { return "changed" }
    let below: String
    if let number = state.withLock({ $0.changed[stage.title] }) {
      below = "step \(number)"
    } else if case .stage = stage.origin {
      below = "base stage"
    } else {
      below = "base image"
    }
    let word = step.instruction.prefix { $0 != " " }.uppercased()
    return "changed: " + made.differences(from: before, below: below, instruction: word)
  }

  /// Writes what is new; to lose it costs the next build its reasons, and nothing else.
  func save() {
    let fresh = state.withLock { state in
      defer { state.fresh = [] }
      return state.fresh
    }
    guard let name, !fresh.isEmpty else { return }
    try? ledger.saveStepInputs(fresh, ofBuilds: name, of: organization)
  }
}
