import Diagnostics
import Testing

@testable import Runner

/// Thousands of histories nobody thought of, and what must hold in each.
@Suite("Random histories of an app") struct FleetWalkTests {
  struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
  }

  private static let revisions = [
    FleetStage.revision(1), FleetStage.revision(2, replicas: 3, concurrency: 1),
    FleetStage.revision(3, replicas: 2, reserved: 1, concurrency: 2), FleetStage.revision(0, replicas: 2),
  ]
  private static let answers: [ProbeAnswer] = [
    .status(200), .status(200), .status(200), .refused, .silent, .status(500), .status(404), .broken("noise"),
  ]
  private static let times: [Duration] = [
    .milliseconds(2), .milliseconds(60), .milliseconds(700), .seconds(3), .seconds(16), .seconds(70), .seconds(400),
  ]

  @Test("hold what they promise", arguments: 0..<60) func walk(seed: UInt64) throws {
    var random = Seeded(state: seed)
    var settings = FleetSettings()
    settings.waiting = 20
    var stage = FleetStage(settings, active: Self.revisions[Int(seed) % 3])
    var asked = 0
    for _ in 0..<600 {
      step(&stage, &random, &asked)
      try check(stage)
    }
    // From here on everything goes well: whoever waits is answered.
    for _ in 0..<400 where !(stage.waiting.isEmpty && stage.calls.isEmpty && stage.activations.isEmpty) {
      stage.play()
      while let call = stage.calls.first { stage.endCall(call) }
      stage.pass(.milliseconds(500))
      try check(stage)
    }
    #expect(stage.waiting.isEmpty && stage.calls.isEmpty && stage.activations.isEmpty)
    #expect(stage.admitted.count + stage.refused.count <= asked)
    for _ in 0..<1000 {
      stage.pass(.seconds(1))
      stage.play()
    }
    #expect(stage.members.count == stage.state.activeRevision?.policy.reservedReplicas)
    #expect(stage.state.pools.count <= 2)
  }

  private func step(_ stage: inout FleetStage, _ random: inout Seeded, _ asked: inout Int) {
    switch Int.random(in: 0..<22, using: &random) {
    case 0...3:
      asked += 1
      stage.call()
    case 4, 5: _ = stage.callNow()
    case 6:
      asked += 1
      stage.call(Self.revisions.randomElement(using: &random))
    case 7: if let waiter = stage.waiting.min(by: { $0.number < $1.number }) { stage.leave(waiter) }
    case 8...11: if let call = stage.calls.randomElement(using: &random) { stage.endCall(call) }
    case 12, 13: if let key = stage.starting.randomElement(using: &random) { stage.run(key) }
    case 14:
      let failure = Failure(.unavailable, reason: "no-image", "the image is gone")
      if let key = stage.starting.randomElement(using: &random) { stage.failStart(key, failure) }
    case 15, 16:
      guard let key = stage.asked.randomElement(using: &random) else { break }
      stage.answer(key, Self.answers.randomElement(using: &random) ?? .refused)
    case 17: if let key = stage.running.randomElement(using: &random) { stage.end(key) }
    case 18: if let key = stage.stopping.randomElement(using: &random) { stage.end(key, .stopped) }
    case 19, 20: stage.pass(Self.times.randomElement(using: &random) ?? .zero)
    default: stage.activate(Self.revisions[Int.random(in: 0..<3, using: &random)])
    }
  }

  private func check(_ stage: FleetStage) throws {
    let members = stage.members
    for pool in stage.state.pools {
      try #require(pool.liveCount <= pool.revision.policy.maximumReplicas, "too many replicas of \(pool.revision)")
      let limit = pool.revision.policy.maximumConcurrency
      for member in pool.members {
        try #require(limit == 0 || member.calls <= limit)
        if case .draining = member.phase { try #require(member.calls > 0, "nothing is drained that is empty") }
      }
    }
    let counted = Dictionary(stage.calls.map { ($0, 1) }, uniquingKeysWith: +)
    for member in members { try #require(member.calls == counted[member.key] ?? 0, "the calls are counted") }
    let waiters = stage.state.pools.flatMap(\.waiters).map(\.key)
    try #require(Set(waiters) == stage.waiting && waiters.count == stage.waiting.count, "nobody is forgotten")
    try #require(Set(members.map(\.key)) == Set(stage.starting + stage.running))
    if let next = stage.state.nextWake { try #require(next >= stage.now, "something is due and nobody was woken") }
  }
}
