import Diagnostics
import FoundationEssentials
import OCI
import SystemPackage
import Testing

@testable import Storage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct EventLogTests {
  private let id = BuildID.make(at: Timestamp(milliseconds: 1_700_000_000_000))
  private static let done = BuildEvent.Kind.finished(.succeeded(durationMilliseconds: 5, cachedSteps: 1))

  static let kinds: [BuildEvent.Kind] = [
    .queued, .started, .source(.init(files: 3, size: ByteCount(9))),
    .planned([.init(step: 1, stage: "0", instruction: "RUN \"x\" /y", line: 4)]), .note("a\nb"),
    .warning("w", source: nil),
    .stepStarted(step: 1), .output(step: 1, stream: .stdout, line: "plain"),
    .output(
      step: 12,
      stream: .stderr,
      line: "\u{1b}[31mred\u{1b}[0m \"q\" back\\slash \t\r\u{0}\u{1f}\u{7f} ü 🦊 \u{2028}"
    ),
    .output(step: 1, stream: .stdout, line: ""), .output(step: 1, stream: .stdout, line: "\\\""),
    .stepFinished(.init(step: 1, result: .ran, durationMilliseconds: 5, layer: ByteCount(7))),
    .image(.init(references: ["r/a:b"], digest: "sha256:0", size: ByteCount(1), layers: 2)),
    .finished(.failed(Failure(.invalidArgument, reason: "r", "m", hint: "h"))),
  ]

  @Test("a line means the same to Codable as to the fast reader", arguments: kinds)
  func codable(kind: BuildEvent.Kind) throws {
    let event = BuildEvent(sequence: 3, at: Timestamp(milliseconds: 99), kind: kind)
    var line: [UInt8] = []
    try EventLine.append(event, to: &line)
    #expect(line.last == 0x0a && line.dropLast().allSatisfy { $0 >= 0x20 })
    #expect(try JSONDecoder().decode(BuildEvent.self, from: Data(line)) == event)
    #expect(line.dropLast().withUnsafeBytes { EventLine.event($0) } == event)
    let codable = try JSONEncoder().encode(event)
    #expect(codable.withUnsafeBytes { EventLine.event($0) } == event)
  }

  @Test("events are numbered from 1 without gaps and read back in order")
  func order() async throws {
    let logs = try Scratch().open()
    try logs.events.append(.queued, to: id)
    try logs.events.append(contentsOf: Self.kinds.dropLast(), to: id)
    try logs.events.append(Self.done, to: id)
    let all = try await collect(logs.events.events(of: id, follow: true))
    #expect(all.map(\.sequence) == Array(1...Self.kinds.count + 1))
    #expect(all.map(\.kind) == [.queued] + Self.kinds.dropLast() + [Self.done])
    #expect(try await collect(logs.events.events(of: id, from: 14, follow: true)).map(\.sequence) == [14, 15])
    #expect(try await collect(logs.events.events(of: id, from: 99, follow: true)).isEmpty)
    #expect(Failure.reason { try logs.events.append(.started, to: id) } == "build-log-finished")
    #expect(try logs.events.isFinished(id))
  }

  @Test("a reader that does not follow ends with what is there")
  func snapshot() async throws {
    let logs = try Scratch().open()
    #expect(try await collect(logs.events.events(of: id, follow: false)).isEmpty)
    try logs.events.append(.queued, to: id)
    var iterator = try logs.events.events(of: id, follow: false).makeAsyncIterator()
    try logs.events.append(.started, to: id)
    #expect(try await iterator.next()?.kind == .queued)
    #expect(try await iterator.next() == nil)
  }

  @Test("many followers, begun anywhere, all see every event they asked for", .timeLimit(.minutes(1)))
  func followers() async throws {
    let data = try Scratch().open()
    let count = 3_000
    try data.events.append(.queued, to: id)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for first in 1...40 {
        let sequence = try data.events.events(of: id, from: first, follow: true)
        group.addTask {
          let seen = try await collect(sequence).map(\.sequence)
          return seen == Array(first...count + 2)
        }
      }
      group.addTask { [id] in
        for number in 0..<count / 3 {
          try data.events.append(
            contentsOf: (0..<3).map { .output(step: 1, stream: .stdout, line: "\(number) \($0)") },
            to: id
          )
          if number % 50 == 0 { await Task.yield() }
        }
        try data.events.append(Self.done, to: id)
        return true
      }
      for try await isRight in group { #expect(isRight) }
    }
  }

  @Test("following from now sees only what comes, and a cancelled follower stops waiting", .timeLimit(.minutes(1)))
  func tail() async throws {
    let data = try Scratch().open()
    try data.events.append(contentsOf: [.queued, .started], to: id)
    let now = try data.events.lastSequence(of: id) + 1
    var iterator = try data.events.events(of: id, from: now, follow: true).makeAsyncIterator()
    try data.events.append(.stepStarted(step: 1), to: id)
    #expect(try await iterator.next()?.sequence == 3)
    let sequence = try data.events.events(of: id, from: 4, follow: true)
    let waiting = Task { try await collect(sequence) }
    waiting.cancel()
    let result = await waiting.result
    #expect(Failure.reason { _ = try result.get() } == "cancelled")
  }

  @Test(
    "a torn last line is cut at the next start, and numbering goes on",
    arguments: [
      #"{"sequence":4,"at":1,"kind":{"ki"#, "{", "\0\0\0\0", "\0\0\n\0\0\n", String(repeating: "x", count: 200_000),
    ]
  )
  func torn(rest: String) async throws {
    let scratch = try Scratch()
    let data = try scratch.open()
    try data.events.append(contentsOf: [.queued, .started, .stepStarted(step: 1)], to: id)
    data.close()
    let path = scratch.path.appending("data/builds").appending(id.text).appending("events.ndjson")
    let file = try path.open(O_WRONLY | O_APPEND, "opening")
    try file.writeAll(Array(rest.utf8), to: path)
    try file.close()
    let again = try scratch.open()
    #expect(try again.events.lastSequence(of: id) == 3)
    #expect(try again.events.isFinished(id) == false)
    try again.events.append(Self.done, to: id)
    #expect(try await collect(again.events.events(of: id, follow: true)).map(\.sequence) == [1, 2, 3, 4])
  }

  @Test("a line longer than a reader's piece arrives whole, also as the last of a reopened log")
  func longLine() async throws {
    let scratch = try Scratch()
    let long = String(repeating: "0123456789", count: 50_000)
    let data = try scratch.open()
    try data.events.append(contentsOf: [.queued, .output(step: 1, stream: .stdout, line: long)], to: id)
    data.close()
    let again = try scratch.open()
    #expect(try again.events.lastSequence(of: id) == 2)
    let events = try await collect(again.events.events(of: id, follow: false))
    #expect(events.last?.kind == .output(step: 1, stream: .stdout, line: long))
  }
}

private func collect(_ sequence: EventSequence) async throws -> [BuildEvent] {
  var events: [BuildEvent] = []
  for try await event in sequence { events.append(event) }
  return events
}
