import Diagnostics
import Testing

@testable import Storage

/// Reading in runs, and the end of reading.
@Suite struct EventFollowTests {
  private let id = BuildID.make(at: Timestamp(milliseconds: 1_700_000_000_000))

  @Test("runs hold every event once and in order, wherever a reader begins", .timeLimit(.minutes(1)))
  func batches() async throws {
    let logs = try Scratch().open().events
    let lines = (0..<4000).map {
      BuildEvent.Kind.output(step: 1, stream: .stdout, line: String(repeating: "é\"\u{1b}", count: $0 % 60))
    }
    try logs.append(contentsOf: lines, to: id)
    try logs.append(.finished(.cancelled), to: id)
    for first in [1, 2, 3999, 4001, 4002] {
      var iterator = try logs.events(of: id, from: first, follow: true).makeAsyncIterator()
      var all: [BuildEvent] = []
      while let batch = try await iterator.nextBatch() { all += batch }
      #expect(all.map(\.sequence) == Array(first..<max(first, 4002)))
      #expect(all.dropLast().map(\.kind) == Array(lines.dropFirst(first - 1)))
    }
  }

  @Test("an interruption comes after everything that was written, to who waits and who comes later")
  func interruption() async throws {
    let logs = try Scratch().open().events
    try logs.append(.queued, to: id)
    async let early = read(logs)
    try logs.append(.started, to: id)
    logs.interruptFollowers()
    for (kinds, reason) in [await early, await read(logs)] {
      #expect(kinds == [.queued, .started] && reason == "stream-interrupted")
    }
    // What ended has its end.
    try logs.append(.finished(.cancelled), to: id)
    let (kinds, reason) = await read(logs)
    #expect(kinds.count == 3 && reason == nil)
  }

  private func read(_ logs: EventLogs) async -> (kinds: [BuildEvent.Kind], reason: String?) {
    var kinds: [BuildEvent.Kind] = []
    do throws(Failure) {
      var iterator = try logs.events(of: id, follow: true).makeAsyncIterator()
      while let event = try await iterator.next() { kinds.append(event.kind) }
      return (kinds, nil)
    } catch {
      return (kinds, error.reason)
    }
  }
}
