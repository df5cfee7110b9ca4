import Diagnostics
import Testing

@testable import Runner

@Suite("Switching revisions") struct ActivationTests {
  private static func warm(_ revision: AppRevision, calls: Int = 1) -> FleetStage {
    var stage = FleetStage(active: revision)
    for _ in 0..<calls { stage.call() }
    stage.play()
    return stage
  }

  @Test("the new one is ready before calls get it, and the old one finishes its own") func switching() {
    let (old, new) = (FleetStage.revision(1), FleetStage.revision(2))
    var stage = Self.warm(old)
    let first = stage.running[0]
    let activation = stage.activate(new)
    #expect(stage.starting.count == 1)
    #expect(stage.callNow() == first)
    stage.run(stage.starting[0])
    stage.answer(stage.asked[0], .refused)
    #expect(stage.finished.isEmpty)
    #expect(stage.callNow() == first)
    stage.pass(.milliseconds(2))
    stage.answer(stage.asked[0])
    #expect(stage.finished[activation] == .some(nil))
    #expect(stage.callNow() == stage.replicas(of: new)[0].key)
    #expect(stage.stopping.isEmpty, "three calls are on the old one")
    for _ in 0..<3 { stage.endCall(first) }
    #expect(stage.stopping == [first])
    stage.end(first, .stopped)
    #expect(stage.replicas(of: old).isEmpty)
    #expect(stage.state.pools.count == 1)
  }

  @Test("as many become ready as there were") func several() {
    var stage = Self.warm(FleetStage.revision(1, replicas: 3, concurrency: 1), calls: 3)
    let new = FleetStage.revision(2, replicas: 3, concurrency: 1)
    let activation = stage.activate(new)
    #expect(stage.starting.count == 3)
    for key in stage.starting { stage.run(key) }
    stage.answer(stage.asked[0])
    stage.answer(stage.asked[0])
    #expect(stage.finished.isEmpty)
    stage.answer(stage.asked[0])
    #expect(stage.finished[activation] == .some(nil))
    #expect(stage.stopping.isEmpty)
  }

  @Test("a new one that does not become ready changes nothing, and its publisher is told") func fails() {
    let (old, new) = (FleetStage.revision(1), FleetStage.revision(2))
    var stage = Self.warm(old)
    let first = stage.running[0]
    let activation = stage.activate(new)
    stage.run(stage.starting[0])
    stage.end(stage.running[1], .exited(status: 7))
    #expect(stage.finished[activation]??.reason == "app-exited")
    #expect(stage.callNow() == first)
    #expect(stage.state.failure?.reason == "app-exited")
    #expect(stage.replicas(of: new).isEmpty)

    let again = stage.activate(new)
    stage.play()
    #expect(stage.finished[again] == .some(nil))
    #expect(stage.state.failure == nil)
  }

  @Test("a second activation wins over one under way") func superseded() {
    var stage = Self.warm(FleetStage.revision(1))
    let first = stage.activate(FleetStage.revision(2))
    let same = stage.activate(FleetStage.revision(2))
    let second = stage.activate(FleetStage.revision(3))
    #expect(stage.finished[first]??.reason == "activation-superseded")
    #expect(stage.finished[same]??.reason == "activation-superseded")
    stage.play()
    #expect(stage.finished[second] == .some(nil))
    #expect(stage.replicas(of: FleetStage.revision(2)).isEmpty)
  }

  @Test("going back while the new one starts ends the new one") func back() {
    let old = FleetStage.revision(1)
    var stage = Self.warm(old)
    let first = stage.activate(FleetStage.revision(2))
    let second = stage.activate(old)
    #expect(stage.finished[first]??.code == .aborted)
    #expect(stage.finished[second] == .some(nil))
    stage.play()
    #expect(stage.running == stage.replicas(of: old).map(\.key))
  }

  @Test("scaled to zero, the switch is at once") func zero() {
    var stage = FleetStage(active: FleetStage.revision(1))
    let activation = stage.activate(FleetStage.revision(2))
    #expect(stage.finished[activation] == .some(nil))
    #expect(stage.starting.isEmpty)
  }

  @Test("calls that wait for an old one that never came get the new one") func waiters() {
    var stage = FleetStage(active: FleetStage.revision(1))
    let waiter = stage.call()
    stage.run(stage.starting[0])
    stage.answer(stage.asked[0], .refused)
    let old = stage.running[0]
    let new = FleetStage.revision(2)
    stage.activate(new)
    #expect(stage.waiting.contains(waiter))
    #expect(stage.stopping == [old])
    stage.play()
    #expect(stage.admitted[waiter] == stage.replicas(of: new).first?.key)
  }

  @Test("waiting calls follow a switch in their order") func full() {
    let (old, new) = (FleetStage.revision(1, concurrency: 1), FleetStage.revision(2, concurrency: 1))
    var stage = Self.warm(old)
    let waiters = (0..<3).map { _ in stage.call() }
    stage.activate(new)
    stage.play()
    #expect(stage.admitted[waiters[0]] == stage.replicas(of: new).first?.key)
    #expect(stage.waiting == Set(waiters.dropFirst()))
    #expect(stage.refused.isEmpty)
  }

  @Test("a start under way is given up, and what it makes is stopped") func givenUp() {
    var stage = FleetStage(active: FleetStage.revision(1))
    stage.call()
    let old = stage.starting[0]
    stage.activate(FleetStage.revision(2))
    stage.run(old)
    #expect(stage.stopping == [old])
  }

  @Test("a call that never ends keeps its replica for the time a call may take") func drains() {
    var stage = Self.warm(FleetStage.revision(1))
    let first = stage.running[0]
    stage.activate(FleetStage.revision(2))
    for key in stage.starting { stage.run(key) }
    for key in stage.asked { stage.answer(key) }
    for _ in 0..<119 {
      stage.pass(.seconds(1))
      for key in stage.asked { stage.answer(key) }
    }
    #expect(stage.stopping.isEmpty)
    stage.pass(.seconds(1))
    #expect(stage.stopping == [first])
  }

  @Test("another configuration of the same version is a switch too") func configuration() {
    let old = FleetStage.revision(1)
    var stage = Self.warm(old)
    let new = AppRevision(app: old.app, version: old.version, configuration: 2, policy: old.policy)
    let activation = stage.activate(new)
    stage.play()
    #expect(stage.finished[activation] == .some(nil))
    #expect(stage.callNow() == stage.replicas(of: new).first?.key)
  }

  @Test("closing ends all and refuses who comes") func closing() {
    var stage = Self.warm(FleetStage.revision(1, concurrency: 1))
    let waiter = stage.call()
    let activation = stage.activate(FleetStage.revision(2))
    stage.close()
    #expect(stage.refused[waiter]?.reason == "app-unknown")
    #expect(stage.finished[activation]??.reason == "app-unknown")
    let late = stage.call()
    #expect(stage.refused[late]?.reason == "app-unknown")
    stage.play()
    #expect(stage.members.isEmpty)
    #expect(stage.state.nextWake == nil)
  }
}
