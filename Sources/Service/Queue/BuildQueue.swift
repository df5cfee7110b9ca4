import Diagnostics
import OCI
import Storage

/// Runs builds one after the other: first in, first out within an organisation, organisations in turn,
/// at most `workers` at once. The ledger is the durable queue; this is its running end.
package actor BuildQueue {
  /// Runs one build to its end. Throws what it FAILED of; `CancellationError` semantics come by task cancellation.
  package typealias Work = @Sendable (BuildRecord, EventReporter) async throws(Failure) -> FinishedBuild

  /// More builds than this never run at once.
  package static let mostWorkers = 64

  private struct Running {
    let record: BuildRecord
    let publication: Publication
    var task: Task<Void, Never>
    var cancelledByCaller = false
  }

  private let data: DataDirectory
  private let clock: WallClock
  private let workers: Int
  private let defaultTimeout: Duration
  private let work: Work

  private var waiting: [OrganizationName: [BuildRecord]] = [:]
  private var turns: [OrganizationName] = []
  private var running: [BuildID: Running] = [:]
  private var isOpen: Bool
  private var isStopping = false

  package init(
    data: DataDirectory, workers: Int = 2, defaultTimeout: Duration = .seconds(30 * 60), clock: WallClock = .system,
    isOpen: Bool = true, work: @escaping Work
  ) {
    self.data = data
    self.workers = workers
    self.defaultTimeout = defaultTimeout
    self.clock = clock
    self.isOpen = isOpen
    self.work = work
  }

  /// Lets waiting builds begin, where the queue was made closed: a start that fails must not touch them.
  package func open() {
    isOpen = true
    startNext()
  }

  /// Takes over what the last run of the server left: waiting builds wait again, running ones are FAILED,
  /// because nobody can say how far they came, and events that a kill cut off from their rows are made up for.
  package func recover() throws(Failure) {
    // A build is in the ledger a moment before its first event, and ends there a moment before its last one.
    for record in try data.ledger.lastCompletedBuilds(limit: Self.mostWorkers) {
      if try !data.events.isFinished(record.id) { try data.events.append(.finished(record.outcome), to: record.id) }
    }
    for record in try data.ledger.unfinishedBuilds() {
      if record.status == .running {
        let failure = Failure(
          .aborted, reason: "interrupted", "the server stopped while the build was running",
          hint: "start the build again")
        try finish(record, with: .failure(failure))
      } else {
        if try data.events.lastSequence(of: record.id) == 0 { try data.events.append(.queued, to: record.id) }
        enqueue(record)
      }
    }
  }

  /// Puts a build that the ledger already holds as PENDING at the end of its organisation's line.
  package func enqueue(_ record: BuildRecord) {
    if waiting[record.organization, default: []].isEmpty, !turns.contains(record.organization) {
      turns.append(record.organization)
    }
    waiting[record.organization, default: []].append(record)
    startNext()
  }

  /// Ends a build: it is CANCELLED on the disk when this returns. Work that runs is waited for as long as work that is
  /// well takes to let go; what takes longer keeps its worker until it does. One that publishes already is waited for.
  package func cancel(_ id: BuildID) async throws(Failure) {
    for (organization, records) in waiting {
      guard let index = records.firstIndex(where: { $0.id == id }) else { continue }
      try finish(records[index], with: .failure(Failure(.cancelled, reason: "cancelled", "the build was cancelled")))
      waiting[organization]?.remove(at: index)
      return
    }
    guard var build = running[id] else { return }
    build.cancelledByCaller = true
    running[id] = build
    build.task.cancel()
    guard build.publication.prevent() else { return await build.task.value }
    if try !data.events.isFinished(id) {
      try finish(build.record, with: .failure(Failure(.cancelled, reason: "cancelled", "the build was cancelled")))
    }
    await Self.end(of: build.task, within: .seconds(2))
  }

  private static func end(of task: Task<Void, Never>, within limit: Duration) async {
    let (ending, mark) = AsyncStream.makeStream(of: Void.self)
    Task {
      await task.value
      mark.finish()
    }
    let timer = Task {
      try? await Task.sleep(for: limit)
      mark.finish()
    }
    for await _ in ending {}
    timer.cancel()
  }

  /// Stops: nothing new begins, running builds are interrupted and FAILED with that reason, waiting ones stay PENDING.
  package func stop() async {
    isStopping = true
    let tasks = running.values.map(\.task)
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
  }

  /// How many builds run and wait.
  package var depth: (running: Int, waiting: Int) { (running.count, waiting.values.reduce(0) { $0 + $1.count }) }

  private func startNext() {
    while isOpen, !isStopping, running.count < workers, let organization = turns.first {
      turns.removeFirst()
      guard var line = waiting[organization], !line.isEmpty else { continue }
      let record = line.removeFirst()
      waiting[organization] = line.isEmpty ? nil : line
      if !line.isEmpty { turns.append(organization) }
      // The task inherits this actor, so it cannot end before it stands in `running`.
      let publication = Publication()
      running[record.id] = Running(
        record: record, publication: publication, task: Task { await self.run(record, publication) })
    }
  }

  private func run(_ record: BuildRecord, _ publication: Publication) async {
    let result = outcome(of: record, await attempt(record, publication))
    // While the ledger cannot be written (disk full, say) nobody can be told the end; followers wait for it until then.
    while !hasEnded(record, with: result), !isStopping {
      // Not this task's own sleep: once cancelled it would not wait.
      await Task.detached { try? await Task.sleep(for: .seconds(2)) }.value
    }
    running[record.id] = nil
    startNext()
  }

  private func hasEnded(_ record: BuildRecord, with result: Result<FinishedBuild, Failure>) -> Bool {
    do throws(Failure) {
      // A cancelled one has ended before its work.
      if running[record.id]?.cancelledByCaller == true, try data.events.isFinished(record.id) { return true }
      try finish(record, with: result)
      return true
    } catch {
      return (try? data.events.isFinished(record.id)) == true
    }
  }

  /// The caller's limit; more than thirty days is thirty days, which a clock can count.
  private static func limit(_ seconds: UInt64) -> Duration { .seconds(Int64(min(seconds, 30 * 86_400))) }

  private func attempt(_ record: BuildRecord, _ publication: Publication) async -> Result<FinishedBuild, Failure> {
    let limit = record.timeoutSeconds > 0 ? Self.limit(record.timeoutSeconds) : defaultTimeout
    do throws(Failure) {
      guard try data.ledger.markRunning(record.id, at: clock.now()) else {
        throw Failure(.cancelled, reason: "cancelled", "the build was cancelled")
      }
      try data.events.append(.started, to: record.id)
      return .success(
        try await withDeadline(limit) { [work, data] () async throws(Failure) in
          try await work(record, EventReporter(id: record.id, logs: data.events, publication: publication))
        })
    } catch {
      return .failure(error)
    }
  }

  private func outcome(
    of record: BuildRecord, _ result: Result<FinishedBuild, Failure>
  ) -> Result<FinishedBuild, Failure> {
    guard case .failure(let failure) = result, failure.code == .cancelled else { return result }
    if running[record.id]?.cancelledByCaller == true { return result }
    guard isStopping else { return result }
    return .failure(
      Failure(
        .aborted, reason: "interrupted", "the server was stopped while the build was running",
        hint: "start the build again"))
  }

  /// The ledger first, then the terminal event: whoever has seen the end can read it there.
  private func finish(_ record: BuildRecord, with result: Result<FinishedBuild, Failure>) throws(Failure) {
    let now = clock.now()
    let started = try data.ledger.build(record.id, of: record.organization)?.startedAt ?? now
    let duration = max(0, now.milliseconds - started.milliseconds)
    switch result {
    case .success(let built):
      let metrics = BuildMetrics(
        durationMilliseconds: duration, imageSize: built.size, layerCount: built.layers,
        cacheUsed: built.cachedSteps > 0)
      _ = try data.ledger.finish(
        record.id, status: .succeeded, failure: nil, references: built.references, manifest: built.manifest,
        metrics: metrics, at: now)
      try data.events.append(
        .finished(.succeeded(durationMilliseconds: duration, cachedSteps: built.cachedSteps)), to: record.id)
    case .failure(let failure) where failure.code == .cancelled:
      _ = try data.ledger.finish(
        record.id, status: .cancelled, failure: failure, references: [], manifest: nil, metrics: nil, at: now)
      try data.events.append(.finished(.cancelled), to: record.id)
    case .failure(let failure):
      _ = try data.ledger.finish(
        record.id, status: .failed, failure: failure, references: [], manifest: nil, metrics: nil, at: now)
      try data.events.append(.finished(.failed(failure)), to: record.id)
    }
  }
}

extension BuildRecord {
  /// The terminal event that a terminal row stands for.
  fileprivate var outcome: BuildEvent.Outcome {
    switch status {
    case .succeeded: .succeeded(durationMilliseconds: metrics?.durationMilliseconds ?? 0, cachedSteps: 0)
    case .cancelled: .cancelled
    default:
      .failed(failure ?? Failure(.aborted, reason: "interrupted", "the server stopped while the build was running"))
    }
  }
}

/// What a build that succeeded leaves.
package struct FinishedBuild: Sendable {
  package var references: [String]
  package var manifest: Digest
  package var size: ByteCount
  package var layers: Int
  package var cachedSteps: Int
}
