import Diagnostics
import Testing

@testable import Runner

@Suite("Keeping replicas") struct KeepingTests {
  /// An app with one ready replica and no calls.
  private static func warm(_ revision: AppRevision = FleetStage.revision(1)) -> FleetStage {
    var stage = FleetStage(active: revision)
    stage.call()
    stage.play()
    for call in stage.calls { stage.endCall(call) }
    return stage
  }

  @Test("health is asked after 2 s, then every 5 s") func liveness() {
    var stage = Self.warm()
    var moments: [Int64] = []
    while moments.count < 3 {
      stage.pass(.milliseconds(500))
      for key in stage.asked {
        moments.append(Int64(stage.now / .milliseconds(1)))
        stage.answer(key)
      }
    }
    #expect(moments == [2000, 7000, 12000])
  }

  @Test("three missed questions replace a replica") func unhealthy() {
    var stage = Self.warm()
    let old = stage.running[0]
    for count in 1...3 {
      #expect(stage.callNow() == old)
      stage.endCall(old)
      stage.pass(count == 1 ? .seconds(2) : .seconds(5))
      stage.answer(old, .silent)
    }
    #expect(stage.callNow() == nil)
    #expect(stage.stopping == [old])
    #expect(stage.state.failure?.reason == "app-unhealthy")
    #expect(stage.state.failure?.message.contains("3 times in a row: it did not answer within a second") == true)
    stage.pass(.milliseconds(500))
    #expect(stage.starting.count == 1, "another is started while the old one is stopped")
    stage.play()
    #expect(stage.callNow() != nil)
    #expect(stage.state.failure == nil)
  }

  @Test("one missed question in between means nothing") func missed() {
    var stage = Self.warm()
    let key = stage.running[0]
    for answer in [ProbeAnswer.silent, .silent, .status(200), .status(500), .silent, .status(204)] {
      while stage.asked.isEmpty { stage.pass(.seconds(1)) }
      stage.answer(key, answer)
    }
    #expect(stage.callNow() == key)
  }

  @Test("what crashes is started again, later each time") func backoff() {
    var stage = Self.warm()
    var pauses: [Int64] = []
    for _ in 0..<9 {
      let crashed = stage.now
      stage.end(stage.running[0])
      // Calls keep it wanted.
      while stage.starting.isEmpty {
        stage.pass(.milliseconds(100))
        stage.call()
      }
      pauses.append(Int64((stage.now - crashed) / .milliseconds(1)))
      stage.play()
      for call in stage.calls { stage.endCall(call) }
    }
    #expect(pauses == [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000])
  }

  @Test("a minute of health makes the first wait short again") func reset() {
    var stage = Self.warm()
    for _ in 0..<4 {
      stage.end(stage.running[0])
      stage.pass(.seconds(8))
      stage.play()
    }
    for _ in 0..<70 {
      stage.pass(.seconds(1))
      stage.play()
    }
    stage.end(stage.running[0])
    stage.pass(.milliseconds(500))
    #expect(stage.starting.count == 1)
  }

  @Test("a call waits for a start that is near, and is told of one that is not") func patience() {
    var stage = Self.warm()
    stage.end(stage.running[0])
    let near = stage.call()
    #expect(stage.waiting.contains(near))
    stage.pass(.milliseconds(500))
    stage.play()
    #expect(stage.admitted[near] != nil)
    for call in stage.calls { stage.endCall(call) }

    for _ in 0..<3 {
      stage.end(stage.running[0])
      if stage.state.nextStart.map({ $0 - stage.now > .seconds(2) }) == true { break }
      stage.pass(.seconds(2))
      stage.play()
    }
    let far = stage.call()
    #expect(stage.refused[far]?.reason == "app-exited")
    #expect(stage.refused[far]?.hint?.hasSuffix("the next start is tried in 4 s") == true)
    #expect(stage.refused[far]?.cause?.contains("configuration file is missing") == true)
  }

  @Test("several that fail together have failed once") func together() {
    var stage = FleetStage(active: FleetStage.revision(1, replicas: 4, concurrency: 1))
    let waiters = (0..<4).map { _ in stage.call() }
    for key in stage.starting { stage.run(key) }
    for key in stage.running { stage.end(key) }
    #expect(stage.refused.count == waiters.count)
    #expect(stage.state.nextStart == .milliseconds(500))
  }

  @Test("the last replica ends after five minutes, and nothing is left to do") func toZero() {
    var stage = Self.warm()
    for _ in 0..<299 {
      stage.pass(.seconds(1))
      stage.play()
    }
    #expect(stage.members.count == 1)
    stage.pass(.seconds(1))
    #expect(stage.stopping.count == 1)
    stage.play()
    #expect(stage.members.isEmpty)
    #expect(stage.state.nextWake == nil)
  }

  @Test("replicas beyond what is needed end after a minute, the youngest first") func surplus() {
    var stage = FleetStage(active: FleetStage.revision(1, replicas: 3, reserved: 1, concurrency: 1))
    for _ in 0..<3 { stage.call() }
    stage.play()
    let oldest = stage.running[0]
    for call in stage.calls { stage.endCall(call) }
    for _ in 0..<60 {
      stage.pass(.seconds(1))
      for key in stage.asked { stage.answer(key) }
    }
    #expect(stage.stopping.count == 2)
    #expect(!stage.stopping.contains(oldest))
    for _ in 0..<600 {
      stage.pass(.seconds(1))
      stage.play()
    }
    #expect(stage.running == [oldest], "the reserve stays")
  }

  @Test("a reserve is started without a call, and again when it crashes") func reserve() {
    var stage = FleetStage(active: FleetStage.revision(1, replicas: 3, reserved: 2))
    #expect(stage.starting.count == 2)
    stage.play()
    stage.end(stage.running[0])
    stage.pass(.milliseconds(500))
    #expect(stage.starting.count == 1)
  }

  @Test("a crashed app that nobody calls is not tried for ever") func givesUp() {
    var stage = Self.warm()
    var starts = 0
    stage.end(stage.running[0])
    while stage.now < .seconds(1000) {
      stage.pass(.seconds(1))
      for key in stage.starting {
        starts += 1
        stage.run(key)
        stage.end(key)
      }
    }
    #expect((10...20).contains(starts), "\(starts)")
    #expect(stage.state.nextWake == nil)
    #expect(stage.state.failure?.reason == "app-exited")
  }

  @Test("calls go to the replica that has the fewest") func leastLoaded() {
    var stage = FleetStage(active: FleetStage.revision(1, replicas: 2, concurrency: 10))
    for _ in 0..<20 { stage.call() }
    stage.play()
    let (first, second) = (stage.running[0], stage.running[1])
    #expect(stage.calls.count { $0 == first } == 10 && stage.calls.count { $0 == second } == 10)
    #expect(stage.callNow() == nil)
    for _ in 0..<3 { stage.endCall(second) }
    #expect(stage.callNow() == second)
    stage.endCall(first)
    stage.endCall(first)
    #expect(stage.callNow() == first || stage.member(first)?.calls == stage.member(second)?.calls)
  }

  @Test("what only tests run ends soon") func tests() {
    var stage = FleetStage()
    let draft = FleetStage.revision(0)
    let waiter = stage.call(draft)
    stage.play()
    let replica = stage.admitted[waiter]
    #expect(replica.flatMap { stage.member($0) } != nil)
    #expect(stage.callNow() == nil, "calls never get the draft")
    if let replica { stage.endCall(replica) }
    stage.pass(.seconds(15))
    #expect(stage.stopping.count == 1)
    stage.play()
    stage.pass(.seconds(1))
    #expect(stage.members.isEmpty)
  }
}
