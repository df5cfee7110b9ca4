import Diagnostics
import Testing

@testable import Runner

@Suite("Starting replicas") struct StartTests {
  typealias Case = (calls: Int, replicas: Int, concurrency: Int, started: Int)

  @Test(
    "calls at once start what they need together",
    arguments: [
      (1, 4, 0, 1), (100, 4, 0, 1), (101, 4, 0, 2), (100, 1, 1, 1), (3, 4, 1, 3), (100, 4, 1, 4), (100, 8, 50, 2),
    ] as [Case])
  func joint(_ given: Case) {
    var stage = FleetStage(
      active: FleetStage.revision(1, replicas: given.replicas, concurrency: given.concurrency))
    for _ in 0..<given.calls { stage.call() }
    #expect(stage.starting.count == given.started)
    stage.play()
    let room = given.concurrency == 0 ? given.calls : min(given.calls, given.started * given.concurrency)
    #expect(stage.admitted.count == room)
    for call in stage.calls { stage.endCall(call) }
    while let call = stage.calls.first { stage.endCall(call) }
    #expect(stage.admitted.count == given.calls)
  }

  @Test("calls are served in the order they came") func order() {
    var stage = FleetStage(active: FleetStage.revision(1, concurrency: 1))
    let waiters = (0..<5).map { _ in stage.call() }
    stage.play()
    for count in 1...5 {
      #expect(Set(stage.admitted.keys) == Set(waiters.prefix(count)))
      if let call = stage.calls.first { stage.endCall(call) }
    }
  }

  @Test("questions come at once, then with growing pauses") func pauses() {
    var stage = FleetStage()
    stage.call()
    stage.run(stage.starting[0])
    var moments: [Int64] = []
    for _ in 0..<9 {
      while stage.asked.isEmpty { stage.pass(.milliseconds(1)) }
      moments.append(Int64(stage.now / .milliseconds(1)))
      stage.answer(stage.asked[0], .refused)
    }
    #expect(moments == [0, 2, 6, 14, 30, 62, 112, 162, 212])
  }

  typealias Words = (answer: ProbeAnswer, after: Duration, reason: String, message: String, hint: String)

  @Test(
    "who does not become ready is told what to change",
    arguments: [
      (
        .refused, .seconds(30), "app-not-listening", "nothing listens on port 80 of app 'acme/greeter' after 30 s",
        "variable PORT"
      ),
      (
        .status(404), .seconds(5), "app-not-healthy", "answered GET /healthz on port 80 with 404",
        "or name the path that does with health_path"
      ),
      (.status(301), .seconds(5), "app-not-healthy", "with 301", "redirects are not followed"),
      (.status(401), .seconds(5), "app-not-healthy", "with 401", "without credentials"),
      (.status(500), .seconds(30), "app-not-healthy", "with 500", "look for its error in the log"),
      (.silent, .seconds(30), "app-silent", "did not answer GET /healthz within a second", "2xx quickly"),
      (.broken("its answer begins with \"SSH-2.0\""), .seconds(30), "app-not-http", "SSH-2.0", "without TLS"),
    ] as [Words])
  func notReady(_ given: Words) {
    var stage = FleetStage()
    let waiter = stage.call()
    stage.run(stage.starting[0])
    while stage.refused.isEmpty, stage.now < .seconds(40) {
      for key in stage.asked { stage.answer(key, given.answer) }
      stage.pass(.milliseconds(50))
    }
    let failure = stage.refused[waiter]
    #expect(failure?.code == .unavailable)
    #expect(failure?.reason == given.reason)
    #expect(failure?.message.contains(given.message) == true, "\(failure?.message ?? "none")")
    #expect(failure?.hint?.contains(given.hint) == true, "\(failure?.hint ?? "none")")
    #expect(failure?.cause?.contains("a last line") == true)
    #expect(stage.now >= given.after && stage.now < given.after + .seconds(1))
    #expect(stage.stopping.count == 1)
  }

  @Test("where it listens instead is told") func elsewhere() throws {
    var stage = FleetStage()
    stage.evidence.ports = [try #require(AppPort(8080))]
    let waiter = stage.call()
    stage.run(stage.starting[0])
    stage.answer(stage.asked[0], .refused)
    while stage.refused.isEmpty {
      stage.pass(.seconds(1))
      for key in stage.asked { stage.answer(key, .refused) }
    }
    #expect(stage.refused[waiter]?.message.hasSuffix("but something does on port 8080") == true)
  }

  @Test("an app that answers 503 while it warms up is waited for") func warmUp() {
    var stage = FleetStage()
    let waiter = stage.call()
    stage.run(stage.starting[0])
    while stage.now < .seconds(20) {
      for key in stage.asked { stage.answer(key, .status(503)) }
      stage.pass(.milliseconds(100))
    }
    stage.play()
    #expect(stage.admitted[waiter] != nil)
  }

  @Test("a command that ends is told with its status and last lines") func exits() {
    var stage = FleetStage()
    let waiter = stage.call()
    stage.run(stage.starting[0])
    stage.end(stage.running[0], .exited(status: 7))
    let failure = stage.refused[waiter]
    #expect(failure?.reason == "app-exited")
    #expect(failure?.message == "app 'acme/greeter' ended with exit status 7 before it was ready")
    #expect(failure?.cause == "the last it wrote:\n  configuration file is missing")
    #expect(stage.state.failure?.reason == "app-exited")
  }

  @Test(
    "every way to end has its words",
    arguments: [
      (.exited(status: 0), "app-exited", "in the foreground"),
      (.exited(status: 127), "app-exited", "ENTRYPOINT and CMD"),
      (.signalled(11), "app-killed", "log"),
      (.outOfMemory(limit: .mebibytes(512)), "app-out-of-memory", "larger tier"),
    ] as [(ReplicaEnd.Cause, String, String)])
  func ends(cause: ReplicaEnd.Cause, reason: String, hint: String) {
    var stage = FleetStage()
    stage.call()
    stage.play()
    stage.end(stage.running[0], cause)
    #expect(stage.state.failure?.reason == reason)
    #expect(stage.state.failure?.hint?.contains(hint) == true)
  }

  @Test("a start that fails fails who waits for it") func startFails() {
    var stage = FleetStage()
    let waiter = stage.call()
    stage.failStart(
      stage.starting[0], Failure(.failedPrecondition, reason: "user-root", "the image runs as root", hint: "USER 1000"))
    #expect(stage.refused[waiter]?.reason == "user-root")
    #expect(stage.refused[waiter]?.code == .failedPrecondition)
    #expect(stage.refused[waiter]?.hint == "USER 1000; the next start is tried in 1 s")
  }

  @Test("relaxed health takes every answer, and asks no more") func relaxedHealth() {
    var stage = FleetStage()
    let waiter = stage.call()
    stage.run(stage.starting[0], health: .anyAnswer)
    stage.answer(stage.asked[0], .status(404))
    #expect(stage.admitted[waiter] != nil)
    stage.pass(.seconds(100))
    #expect(stage.asked.isEmpty)
  }

  @Test("more calls than may wait are refused") func tooMany() {
    var settings = FleetSettings()
    settings.waiting = 3
    var stage = FleetStage(settings)
    let waiters = (0..<4).map { _ in stage.call() }
    #expect(stage.refused.keys.map(\.number) == [waiters[3].number])
    #expect(stage.refused[waiters[3]]?.code == .resourceExhausted)
    stage.leave(waiters[0])
    let next = stage.call()
    #expect(stage.waiting.contains(next))
  }

  @Test("a call does not wait for ever") func waitsTooLong() {
    var stage = FleetStage(active: FleetStage.revision(1, concurrency: 1))
    let first = stage.call()
    stage.play()
    #expect(stage.admitted[first] != nil)
    let second = stage.call()
    while stage.refused.isEmpty, stage.now < .seconds(70) {
      stage.pass(.seconds(1))
      stage.play()
    }
    #expect(stage.refused[second]?.reason == "app-busy")
    #expect(stage.refused[second]?.message.contains("each takes 1 at once") == true)
    #expect(stage.now >= .seconds(60) && stage.now <= .seconds(61))
  }
}
