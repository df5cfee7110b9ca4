import Diagnostics
import Git
import Storage
import Synchronization
import Testing

@testable import Service

@Suite("The progress of a fetch")
struct FetchReporterTests {
  /// A clock that the test moves.
  private final class Hand: Sendable {
    private let milliseconds = Mutex<Int64>(0)
    var clock: WallClock { WallClock { Timestamp(milliseconds: self.milliseconds.withLock { $0 }) } }
    func move(_ by: Int64) { milliseconds.withLock { $0 += by } }
  }

  private func events(
    _ credentials: BuildSecrets.GitCredentials? = nil, _ body: (FetchReporter, Hand) throws -> Void
  ) async throws -> [BuildEvent.Kind] {
    let shelf = try Shelf()
    let record = try shelf.record("app")
    let hand = Hand()
    let reporter = FetchReporter(
      EventReporter(id: record.id, logs: shelf.data.events), redaction: Redaction(credentials), clock: hand.clock)
    try body(reporter, hand)
    try shelf.data.events.append(.finished(.cancelled), to: record.id)
    var kinds: [BuildEvent.Kind] = []
    for try await event in try shelf.data.events.events(of: record.id, from: 2, follow: true) {
      kinds.append(event.kind)
    }
    return kinds.dropLast()
  }

  @Test("is one event at once and then one a second, however often it moves")
  func pace() async throws {
    let found = try await events { reporter, hand in
      for number in 0..<300 {
        try reporter.report(GitProgress(objects: number, totalObjects: 300, bytes: ByteCount(Int64(number) * 1000)))
        hand.move(10)
      }
    }
    let objects = found.map { if case .fetch(let progress) = $0 { progress.objects } else { -1 } }
    #expect(objects == [0, 100, 200])
    #expect(
      found.last
        == .fetch(.init(objects: 200, totalObjects: 300, size: ByteCount(200_000), durationMilliseconds: 2000)))
  }

  @Test("says nothing before the first object")
  func quiet() async throws {
    let found = try await events { reporter, _ in
      try reporter.report(GitProgress(objects: 0, totalObjects: 0, bytes: ByteCount(4)))
    }
    #expect(found.isEmpty)
  }

  @Test("has the remote's finished lines, tamed, bounded in length and number")
  func lines() async throws {
    let found = try await events { reporter, _ in
      func say(_ text: String) throws {
        try reporter.report(GitProgress(remote: text, objects: 0, totalObjects: 0, bytes: ByteCount(0)))
      }
      try say("Counting objects:  50% (1/2)")
      try say("Counting objects: 100% (2/2), done.")
      try say("\u{1b}[2Jhello\u{7}\u{9b}31m")
      try say(String(repeating: "x", count: 5000))
      for number in 0..<100 { try say("line \(number)") }
    }
    let texts = found.map { if case .note(let text) = $0 { text } else { "" } }
    #expect(texts[0] == "remote: Counting objects: 100% (2/2), done.")
    #expect(texts[1] == "remote: [2Jhello31m")
    #expect(texts[2] == "remote: " + String(repeating: "x", count: 200))
    #expect(texts.count == 20)
  }

  @Test("has no password in it, nor what HTTP makes of one, even when the remote sends it back")
  func redacted() async throws {
    let credentials = BuildSecrets.GitCredentials(username: "me", password: "hunter22")
    let found = try await events(credentials) { reporter, _ in
      for text in ["got hunter22!", "Authorization: Basic bWU6aHVudGVyMjI="] {
        try reporter.report(GitProgress(remote: text, objects: 0, totalObjects: 0, bytes: ByteCount(0)))
      }
    }
    #expect(found == [.note("remote: got ***!"), .note("remote: Authorization: Basic ***")])
    let failure = Redaction(credentials).failure(
      Failure(.unavailable, reason: "r", "said 'hunter22'", hint: "hunter22?", cause: "bWU6aHVudGVyMjI="))
    #expect(failure.description == "said '***'\n\n***\n\nhint: ***?")
    #expect(Redaction(nil).text("a") == "a")
  }
}
