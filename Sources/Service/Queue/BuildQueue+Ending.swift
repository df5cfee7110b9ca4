import Diagnostics
import OCI
import Storage

extension BuildQueue {
  /// Takes over what the last run of the server left: waiting builds wait again, running ones are FAILED,
  /// because nobody can say how far they came, and events that a kill cut off from their rows are made up for.
  package func recover() async throws(Failure) {
    adoptPause(since: try data.ledger.queuePausedAt())
    // A build is in the ledger a moment before its first event, and ends there a moment before its last one.
    for record in try data.ledger.lastCompletedBuilds(limit: Self.mostWorkers) {
      if try !data.events.isFinished(record.id) { try await writeEnd(of: record) }
    }
    for record in try data.ledger.unfinishedBuilds() {
      if record.status == .running {
        let failure = Failure(
          .aborted, reason: Self.interruptedReason, "the server stopped while the build was running",
          hint: "start the build again")
        // How long it ran nobody knows either, so it has no metrics.
        _ = try data.ledger.finish(record.id, status: .failed, failure: failure, at: clock.now())
        try data.events.append(.finished(.failed(failure)), to: record.id)
      } else {
        if try data.events.lastSequence(of: record.id) == 0 { try data.events.append(.queued, to: record.id) }
        enqueue(record)
      }
    }
  }

  /// Ends every build of every organisation as CANCELLED, and returns when no work runs any more; nothing begins
  /// afterwards. For a server that forgets them.
  package func cancelAll() async {
    for build in running.values { build.task.cancel() }
    // The newest first, so that none of those that wait takes the place of one that ends. What cannot be written down is
    // forgotten all the same.
    for record in ((try? data.ledger.unfinishedBuilds()) ?? []).reversed() { try? await cancel(record.id) }
    await stop()
  }

  /// The events that the row of an ended build stands for and a kill kept from being written.
  private func writeEnd(of record: BuildRecord) async throws(Failure) {
    var cachedSteps = 0
    var hasImage = false
    var events = try data.events.events(of: record.id, follow: false).makeAsyncIterator()
    while let event = try await events.next() {
      switch event.kind {
      case .stepFinished(let report) where report.result == .cached: cachedSteps += 1
      case .image: hasImage = true
      default: break
      }
    }
    if record.status == .succeeded, !hasImage, let manifest = record.manifest {
      try data.events.append(
        .image(
          BuildEvent.ImageSummary(
            references: record.imageReferences, digest: manifest.description,
            size: record.metrics?.imageSize ?? ByteCount(0), layers: record.metrics?.layerCount ?? 0)), to: record.id)
    }
    try data.events.append(.finished(record.outcome(cachedSteps: cachedSteps)), to: record.id)
  }

  /// Ends the build in the ledger unless it has ended there, and writes the terminal event of what the ledger says:
  /// whoever has seen the end can read it there, and of two ends at once the ledger's is the one that counts.
  func end(_ record: BuildRecord, _ tally: StepTally, as result: Result<FinishedBuild, Failure>) throws(Failure) {
    let now = clock.now()
    let started = try data.ledger.build(record.id, of: record.organization)?.startedAt
    func metrics(size: ByteCount, layers: Int, cached: Int) -> BuildMetrics? {
      started.map { started in
        BuildMetrics(
          durationMilliseconds: max(0, now.milliseconds - started.milliseconds), imageSize: size, layerCount: layers,
          cacheUsed: cached > 0)
      }
    }
    var cachedSteps = tally.cachedSteps
    switch result {
    case .success(let built):
      cachedSteps = built.cachedSteps
      _ = try data.ledger.finish(
        record.id, status: .succeeded, references: built.references, manifest: built.manifest,
        metrics: metrics(size: built.size, layers: built.layers, cached: cachedSteps), at: now)
    case .failure(let failure):
      _ = try data.ledger.finish(
        record.id, status: failure.code == .cancelled ? .cancelled : .failed, failure: failure,
        metrics: metrics(size: ByteCount(0), layers: 0, cached: cachedSteps), at: now)
    }
    guard let row = try data.ledger.build(record.id, of: record.organization), row.status.isTerminal,
      try !data.events.isFinished(record.id)
    else { return }
    try data.events.append(.finished(row.outcome(cachedSteps: cachedSteps)), to: record.id)
  }
}

extension BuildRecord {
  /// The terminal event that a terminal row stands for.
  fileprivate func outcome(cachedSteps: Int) -> BuildEvent.Outcome {
    switch status {
    case .succeeded:
      .succeeded(durationMilliseconds: metrics?.durationMilliseconds ?? 0, cachedSteps: cachedSteps)
    case .cancelled: .cancelled
    default:
      .failed(
        failure
          ?? Failure(
            .aborted, reason: BuildQueue.interruptedReason, "the server stopped while the build was running"))
    }
  }
}
