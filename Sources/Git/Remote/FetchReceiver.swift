import Diagnostics

/// Takes the bytes of an answer to a fetch as they come, and pours the pack in them into a sink.
final class FetchReceiver {
  /// How much is received between two reports.
  private static let reportEvery: Int64 = 1 << 19

  private let sink: any PackSink
  private let bases: any ObjectSource
  private let packets = PktLineReader()
  private var answer: FetchAnswerReader
  private var pace: ReceivePace
  private let now: () -> ContinuousClock.Instant
  private var received: Int64 = 0
  private var reported: Int64 = 0

  /// `now` tells the time, by which an answer is too slow.
  init(
    order: FetchOrder, bases: any ObjectSource, into sink: any PackSink, limits: GitLimits,
    now: @escaping () -> ContinuousClock.Instant = { .now }
  ) {
    self.now = now
    self.sink = sink
    self.bases = bases
    answer = FetchAnswerReader(order: order, limits: limits)
    pace = ReceivePace(limits: limits, start: now())
  }

  var isComplete: Bool { answer.isComplete }

  /// Takes the next bytes; throws what the remote, the pack or `progress` has against them.
  func receive(
    _ chunk: UnsafeRawBufferPointer, progress: (GitProgress) throws(Failure) -> Void
  ) throws(Failure) {
    if Task.isCancelled { throw .gitCancelled }
    received += Int64(chunk.count)
    var packBytes = 0
    try packets.read(chunk) { packet throws(Failure) in
      try answer.take(
        packet,
        pack: { bytes throws(Failure) in
          packBytes += bytes.count
          try sink.writePack(bytes, bases: bases)
        },
        words: { text throws(Failure) in try progress(report(text)) })
    }
    try pace.record(packBytes, at: now())
    if received - reported >= Self.reportEvery { try progress(report(nil)) }
  }

  /// Ends the pack; answers the commits that are shallow now. Throws where the answer stopped early.
  func finish(progress: (GitProgress) throws(Failure) -> Void) throws(Failure) -> [ObjectID] {
    try packets.finish()
    try answer.finish()
    try sink.endPack()
    try progress(report(nil))
    return answer.shallow
  }

  private func report(_ remote: String?) -> GitProgress {
    reported = received
    return GitProgress(
      remote: remote, objects: sink.objectCount, totalObjects: sink.announcedObjects, bytes: ByteCount(received))
  }
}
