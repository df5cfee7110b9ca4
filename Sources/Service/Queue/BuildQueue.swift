import Diagnostics
import OCI
import Storage

/// Runs builds in the order of a fair line (`FairLine`: organisations in rounds, each one's builds as they came), at
/// most `workers` at once. The ledger is the durable queue; this is its running end.
package actor BuildQueue {
  /// Runs one build to its end. Throws what it FAILED of; `CancellationError` semantics come by task cancellation.
  package typealias Work = @Sendable (BuildRecord, EventReporter) async throws(Failure) -> FinishedBuild

  /// More builds than this never run at once.
  package static let mostWorkers = 64
  /// A build's time when its caller sets none.
  package static let usualTimeout = Duration.seconds(30 * 60)
  /// What of one build's log is kept on disk: a program that prints without end meets it before the disk's own end.
  package static let usualLogLimit = ByteCount.mebibytes(1024)

  struct Running {
    let record: BuildRecord
    let tally: StepTally
    var task: Task<Void, Never>
  }

  let data: DataDirectory
  let clock: WallClock
  private let defaultTimeout: Duration
  private let logLimit: ByteCount
  private let work: Work

  var line = FairLine<OrganizationName, BuildRecord>()
  var running: [BuildID: Running] = [:]
  private(set) var status: QueueStatus
  private var announcer = WaitAnnouncer()
  private var isAnnouncing = false

  /// The numbers, for whoever must not wait.
  package nonisolated let gauge: QueueGauge

  package init(
    data: DataDirectory, workers: Int = 2, defaultTimeout: Duration = BuildQueue.usualTimeout,
    logLimit: ByteCount = BuildQueue.usualLogLimit, clock: WallClock = .system, isOpen: Bool = true,
    obstacle: String? = nil, work: @escaping Work
  ) {
    self.logLimit = logLimit
    self.data = data
    self.defaultTimeout = defaultTimeout
    self.clock = clock
    self.work = work
    status = QueueStatus(workers: workers)
    status.isOpen = isOpen && obstacle == nil
    status.obstacle = obstacle
    gauge = QueueGauge(status)
  }

  /// Lets waiting builds begin, where the queue was made closed: a start that fails must not touch them.
  package func open() {
    if status.obstacle == nil { change { $0.isOpen = true } }
    startNext()
    announceSoon()
  }

  /// Puts a build that the ledger already holds as PENDING at the end of its organisation's line.
  package func enqueue(_ record: BuildRecord) {
    // Between the ledger and here somebody may have cancelled it.
    guard (try? data.ledger.build(record.id, of: record.organization)?.status) ?? .pending == .pending else { return }
    line.append(record, of: record.organization)
    startNext()
    // Those before it lose nothing by it; only its own place is news.
    let own = line.elements(of: record.organization)
    guard status.isOpen || status.obstacle != nil, own.last?.id == record.id else { return }
    announcer.tell(record, wait(of: record.organization, at: own.count - 1), in: data.events)
  }

  /// Sets how many run at once, and whether any begin. Fewer workers interrupt nothing: the ones too many take nothing
  /// new. A pause outlives the server, the number of workers doesn't: it is what the next start says.
  package func apply(_ wish: QueueChange) throws(Failure) {
    if let workers = wish.workers {
      guard (1...Self.mostWorkers).contains(workers) else {
        throw Failure(
          .invalidArgument, reason: "workers-invalid",
          "'\(workers)' workers are not between 1 and \(Self.mostWorkers)")
      }
    }
    if let isPaused = wish.isPaused, isPaused != (status.pausedAt != nil) {
      let moment = isPaused ? clock.now() : nil
      try data.ledger.setQueuePause(since: moment)
      change { $0.pausedAt = moment }
    }
    if let workers = wish.workers { change { $0.workers = workers } }
    startNext()
    announceSoon()
  }

  /// Ends a build: it is CANCELLED on the disk when this returns, unless it has ended by itself before. Work that runs
  /// is waited for as long as work that is well takes to let go; what takes longer keeps its worker until it does.
  package func cancel(_ id: BuildID) async throws(Failure) {
    let failure = Failure(.cancelled, reason: "cancelled", "the build was cancelled")
    if let build = running[id] {
      build.task.cancel()
      // The ledger decides: a build whose tags have moved is SUCCEEDED there, and stays it.
      try end(build.record, build.tally, as: .failure(failure))
      await Self.wait(for: [build.task], within: .seconds(2))
    } else if let record = try data.ledger.unfinishedBuild(id) {
      try end(record, StepTally(), as: .failure(failure))
      _ = line.remove(of: record.organization) { $0.id == id }
      announcer.forget(id)
      announceSoon()
      publishNumbers()
    }
  }

  /// Stops: nothing new begins, and what runs may end within `grace`; then it is interrupted and FAILED with that reason.
  /// Waiting builds stay PENDING. `tell` is called with what is waited for.
  @discardableResult
  package func stop(
    grace: Duration = .zero, tell: @Sendable ([BuildRecord]) -> Void = { _ in }
  ) async -> StopReport {
    change { $0.isStopping = true }
    let builds = Array(running.values)
    if !builds.isEmpty, grace > .zero {
      tell(builds.map(\.record))
      await Self.wait(for: builds.map(\.task), within: grace)
    }
    let late = Array(running.values)
    for build in late { build.task.cancel() }
    for build in late { await build.task.value }
    let interrupted = late.count { build in
      let row = try? data.ledger.build(build.record.id, of: build.record.organization)
      return row?.failure?.reason == Self.interruptedReason
    }
    return StopReport(interrupted: interrupted, waiting: line.count)
  }

  /// How many builds run and wait.
  package var depth: (running: Int, waiting: Int) { (running.count, line.count) }

  /// The queue as one organisation sees it.
  package func view(of organization: OrganizationName) -> QueueView {
    let ownRunning = running.values.filter { $0.record.organization == organization }.map { build in
      var record = build.record
      record.status = .running
      return record
    }.sorted { $0.id < $1.id }
    let waiting = line.elements(of: organization)
    let shown = waiting.prefix(max(0, QueueView.most - ownRunning.count)).enumerated()
    return QueueView(
      status: status,
      builds: ownRunning.map { QueuedBuild(record: $0, wait: nil) }
        + shown.map { QueuedBuild(record: $0.element, wait: wait(of: organization, at: $0.offset)) },
      ownRunning: ownRunning.count, ownWaiting: waiting.count)
  }

  /// Why one waiting build waits; nil when it does not.
  package func wait(of id: BuildID, in organization: OrganizationName) -> QueueWait? {
    let own = line.elements(of: organization)
    return own.firstIndex { $0.id == id }.map { wait(of: organization, at: $0 - own.startIndex) }
  }

  private func wait(of organization: OrganizationName, at offset: Int) -> QueueWait {
    let ahead = line.ahead(of: organization, at: offset)
    return wait(ahead: ahead.total, own: ahead.ofSameOwner)
  }

  private func wait(ahead: Int, own: Int) -> QueueWait {
    QueueWait(
      ahead: ahead, aheadOfSameOrganization: own, busyWorkers: running.count, workers: status.workers,
      pausedAt: status.pausedAt, obstacle: status.obstacle)
  }

  // MARK: - The way of a build

  private func startNext() {
    var hasStarted = false
    while status.isOpen, status.pausedAt == nil, !status.isStopping, running.count < status.workers,
      let record = line.next()
    {
      hasStarted = true
      // The task inherits this actor, so it cannot end before it stands in `running`.
      let tally = StepTally()
      running[record.id] = Running(record: record, tally: tally, task: Task { await self.run(record, tally) })
    }
    line.beginRound(served: Set(running.values.map(\.record.organization)))
    publishNumbers()
    if hasStarted { announceSoon() }
  }

  private func run(_ record: BuildRecord, _ tally: StepTally) async {
    if await begin(record) {
      let result = outcome(await attempt(record, tally))
      // While the ledger cannot be written (disk full, say) nobody can be told the end; followers wait for it until then.
      while !hasEnded(record, tally, as: result), !status.isStopping { await Self.breathe() }
    }
    running[record.id] = nil
    announcer.forget(record.id)
    startNext()
  }

  /// PENDING → RUNNING in the ledger, waiting while that cannot be written; false for a build that was cancelled
  /// meanwhile, or that must wait for the next start.
  private func begin(_ record: BuildRecord) async -> Bool {
    while !status.isStopping {
      if let hasBegun = try? data.ledger.markRunning(record.id, at: clock.now()) { return hasBegun }
      await Self.breathe()
    }
    return false
  }

  /// Not the build's own sleep: once it is cancelled that would not wait.
  private static func breathe() async { await Task.detached { try? await Task.sleep(for: .seconds(2)) }.value }

  /// The caller's limit; more than thirty days is thirty days, which a clock can count.
  private static func limit(_ seconds: UInt64) -> Duration { .seconds(Int64(min(seconds, 30 * 86_400))) }

  private func attempt(_ record: BuildRecord, _ tally: StepTally) async -> Result<FinishedBuild, Failure> {
    let limit = record.timeoutSeconds > 0 ? Self.limit(record.timeoutSeconds) : defaultTimeout
    do throws(Failure) {
      try data.events.append(.started, to: record.id)
      return .success(
        try await withDeadline(limit) { [work, data, logLimit] () async throws(Failure) in
          let budget = LogBudget(limit: logLimit)
          return try await work(record, EventReporter(id: record.id, logs: data.events, tally: tally, budget: budget))
        })
    } catch {
      return .failure(error)
    }
  }

  static let interruptedReason = "interrupted"

  private func outcome(_ result: Result<FinishedBuild, Failure>) -> Result<FinishedBuild, Failure> {
    guard status.isStopping, case .failure(let failure) = result, failure.code == .cancelled else { return result }
    return .failure(
      Failure(
        .aborted, reason: Self.interruptedReason, "the server was stopped while the build was running",
        hint: "start the build again"))
  }

  private func hasEnded(_ record: BuildRecord, _ tally: StepTally, as result: Result<FinishedBuild, Failure>) -> Bool {
    do throws(Failure) {
      try end(record, tally, as: result)
      return true
    } catch {
      return (try? data.events.isFinished(record.id)) == true
    }
  }

  // MARK: - What others are told

  /// A pause that outlived its server.
  func adoptPause(since moment: Timestamp?) { change { $0.pausedAt = moment } }

  private func change(_ edit: (inout QueueStatus) -> Void) {
    edit(&status)
    gauge.set(status)
  }

  private func publishNumbers() {
    change { status in
      status.running = running.count
      status.waiting = line.count
    }
  }

  /// Tells waiting builds what changed for them, once for whatever happens until then.
  private func announceSoon() {
    guard !isAnnouncing, !line.isEmpty else { return }
    isAnnouncing = true
    Task { self.announce() }
  }

  private func announce() {
    isAnnouncing = false
    guard status.isOpen || status.obstacle != nil, !status.isStopping else { return }
    for (ahead, place) in line.order.enumerated() {
      announcer.tell(place.element, wait(ahead: ahead, own: place.offset), in: data.events)
    }
  }

  private static func wait(for tasks: [Task<Void, Never>], within limit: Duration) async {
    let (ending, mark) = AsyncStream.makeStream(of: Void.self)
    Task {
      for task in tasks { await task.value }
      mark.finish()
    }
    let timer = Task {
      try? await Task.sleep(for: limit)
      mark.finish()
    }
    for await _ in ending {}
    timer.cancel()
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
