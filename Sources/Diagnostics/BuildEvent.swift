/// One thing that happened in a build. The list of a build's events is the only truth about it:
/// log stream, terminal progress, web page and tests are renderers of this list.
///
/// On disk: one JSON object a line in `builds/<id>/events.ndjson`, in order of `sequence`, without gaps.
package struct BuildEvent: Sendable, Hashable, Codable {
  /// Position in the build's list, from 1.
  package var sequence: Int
  package var at: Timestamp
  package var kind: Kind

  package init(sequence: Int, at: Timestamp, kind: Kind) {
    self.sequence = sequence
    self.at = at
    self.kind = kind
  }

  package enum Kind: Sendable, Hashable {
    /// Accepted and waiting; always the first event.
    case queued
    /// Why the build does not run yet. Told when it changes by much, never once for every build that goes before.
    case waiting(QueueWait)
    /// A worker took the job.
    case started
    /// How far the fetch of a git source is; at most one a second, and one at its end.
    case fetch(FetchProgress)
    /// How far the transfer of a base image, or of what ADD names, is; few of each, and one at its end.
    case transfer(TransferProgress)
    /// The context is at hand: how many files and bytes it offers the build.
    case source(SourceSummary)
    /// What will be done, in order; step numbers in later events refer to this list.
    case planned([PlannedStep])
    /// Something the builder wants the reader to know, such as a base image that was already here.
    case note(String)
    /// Something that builds but should be looked at, with its line when there is one.
    case warning(String, source: SourceExcerpt?)
    case stepStarted(step: Int)
    /// One line a RUN printed, without its line end; carriage returns and escapes are kept.
    case output(step: Int, stream: OutputStream, line: String)
    case stepFinished(StepReport)
    /// The image is in the registry under these references (`registry/org/name:tag`).
    case image(ImageSummary)
    /// The terminal event; nothing follows it.
    case finished(Outcome)
  }

  package enum OutputStream: String, Sendable, Hashable, Codable { case stdout, stderr }

  /// What a fetch from a git repository has brought so far.
  package struct FetchProgress: Sendable, Hashable, Codable {
    package var objects: Int
    /// 0 while the remote has not said how many there will be.
    package var totalObjects: Int
    /// Received over the wire.
    package var size: ByteCount
    /// Since the fetch began.
    package var durationMilliseconds: Int64
    package init(objects: Int, totalObjects: Int, size: ByteCount, durationMilliseconds: Int64) {
      self.objects = objects
      self.totalObjects = totalObjects
      self.size = size
      self.durationMilliseconds = durationMilliseconds
    }

    /// `1200 of 30006 objects, 12 MB, 5.2 MB/s`, as every display says it.
    package var text: String {
      let count = totalObjects > 0 ? "\(objects) of \(totalObjects) objects" : "\(objects) objects"
      guard durationMilliseconds >= 100, size.bytes > 0 else { return "\(count), \(size)" }
      let rate = Double(size.bytes) * 1000 / Double(durationMilliseconds)
      return "\(count), \(size), \(ByteCount(Int64(rate)))/s"
    }
  }

  package struct SourceSummary: Sendable, Hashable, Codable {
    package var files: Int
    package var size: ByteCount
    package init(files: Int, size: ByteCount) {
      self.files = files
      self.size = size
    }
  }

  /// One step of the plan, as the user wrote it.
  package struct PlannedStep: Sendable, Hashable, Codable {
    /// Number from 1, over all stages that will run.
    package var step: Int
    /// The stage's name, or its number when it has none.
    package var stage: String
    /// The instruction as written, in one line.
    package var instruction: String
    /// Line in the Dockerfile, from 1.
    package var line: Int
    package init(step: Int, stage: String, instruction: String, line: Int) {
      self.step = step
      self.stage = stage
      self.instruction = instruction
      self.line = line
    }
  }

  package struct StepReport: Sendable, Hashable, Codable {
    package enum Result: String, Sendable, Hashable, Codable { case ran, cached, failed, cancelled }
    package var step: Int
    package var result: Result
    package var durationMilliseconds: Int64
    /// Compressed bytes of the layer this step added; nil when it added none.
    package var layer: ByteCount?
    /// Why the step ran or was cached, in a few words; nil when nothing is known of it.
    package var reason: String?
    package init(
      step: Int, result: Result, durationMilliseconds: Int64, layer: ByteCount? = nil, reason: String? = nil
    ) {
      self.reason = reason
      self.step = step
      self.result = result
      self.durationMilliseconds = durationMilliseconds
      self.layer = layer
    }
  }

  package struct ImageSummary: Sendable, Hashable, Codable {
    package var references: [String]
    /// The manifest's digest, as `sha256:…`.
    package var digest: String
    /// Compressed layers together.
    package var size: ByteCount
    package var layers: Int
    package init(references: [String], digest: String, size: ByteCount, layers: Int) {
      self.references = references
      self.digest = digest
      self.size = size
      self.layers = layers
    }
  }

  package enum Outcome: Sendable, Hashable, Codable {
    case succeeded(durationMilliseconds: Int64, cachedSteps: Int)
    case failed(Failure)
    case cancelled
  }
}

extension BuildEvent.Kind: Codable {
  private enum Key: String, CodingKey {
    case kind, wait, fetch, transfer, source, steps, text, excerpt, step, stream, line, report, image, outcome
  }

  /// The stable word written as `kind`.
  package var name: String {
    switch self {
    case .queued: "queued"
    case .waiting: "waiting"
    case .started: "started"
    case .fetch: "fetch"
    case .transfer: "transfer"
    case .source: "source"
    case .planned: "planned"
    case .note: "note"
    case .warning: "warning"
    case .stepStarted: "step-started"
    case .output: "output"
    case .stepFinished: "step-finished"
    case .image: "image"
    case .finished: "finished"
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .kind)
    switch self {
    case .queued, .started: break
    case .waiting(let wait):
      try container.encode(wait, forKey: .wait)
      // For readers that show it as it is.
      try container.encode(wait.text, forKey: .text)
    case .fetch(let progress): try container.encode(progress, forKey: .fetch)
    case .transfer(let progress): try container.encode(progress, forKey: .transfer)
    case .source(let summary): try container.encode(summary, forKey: .source)
    case .planned(let steps): try container.encode(steps, forKey: .steps)
    case .note(let text): try container.encode(text, forKey: .text)
    case .warning(let text, let excerpt):
      try container.encode(text, forKey: .text)
      try container.encodeIfPresent(excerpt, forKey: .excerpt)
    case .stepStarted(let step): try container.encode(step, forKey: .step)
    case .output(let step, let stream, let line):
      try container.encode(step, forKey: .step)
      try container.encode(stream, forKey: .stream)
      try container.encode(line, forKey: .line)
    case .stepFinished(let report): try container.encode(report, forKey: .report)
    case .image(let image): try container.encode(image, forKey: .image)
    case .finished(let outcome): try container.encode(outcome, forKey: .outcome)
    }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let name = try container.decode(String.self, forKey: .kind)
    switch name {
    case "queued": self = .queued
    case "waiting": self = .waiting(try container.decode(QueueWait.self, forKey: .wait))
    case "started": self = .started
    case "fetch": self = .fetch(try container.decode(BuildEvent.FetchProgress.self, forKey: .fetch))
    case "transfer":
      self = .transfer(try container.decode(BuildEvent.TransferProgress.self, forKey: .transfer))
    case "source": self = .source(try container.decode(BuildEvent.SourceSummary.self, forKey: .source))
    case "planned": self = .planned(try container.decode([BuildEvent.PlannedStep].self, forKey: .steps))
    case "note": self = .note(try container.decode(String.self, forKey: .text))
    case "warning":
      self = .warning(
        try container.decode(String.self, forKey: .text),
        source: try container.decodeIfPresent(SourceExcerpt.self, forKey: .excerpt)
      )
    case "step-started": self = .stepStarted(step: try container.decode(Int.self, forKey: .step))
    case "output":
      self = .output(
        step: try container.decode(Int.self, forKey: .step),
        stream: try container.decode(BuildEvent.OutputStream.self, forKey: .stream),
        line: try container.decode(String.self, forKey: .line)
      )
    case "step-finished": self = .stepFinished(try container.decode(BuildEvent.StepReport.self, forKey: .report))
    case "image": self = .image(try container.decode(BuildEvent.ImageSummary.self, forKey: .image))
    case "finished": self = .finished(try container.decode(BuildEvent.Outcome.self, forKey: .outcome))
    default:
      throw DecodingError.dataCorruptedError(forKey: .kind, in: container, debugDescription: "unknown event '\(name)'")
    }
  }
}

extension BuildEvent.Outcome {
  private enum Key: String, CodingKey { case status, durationMilliseconds, cachedSteps, failure }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch self {
    case .succeeded(let milliseconds, let cached):
      try container.encode("succeeded", forKey: .status)
      try container.encode(milliseconds, forKey: .durationMilliseconds)
      try container.encode(cached, forKey: .cachedSteps)
    case .failed(let failure):
      try container.encode("failed", forKey: .status)
      try container.encode(failure, forKey: .failure)
    case .cancelled: try container.encode("cancelled", forKey: .status)
    }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let status = try container.decode(String.self, forKey: .status)
    switch status {
    case "succeeded":
      self = .succeeded(
        durationMilliseconds: try container.decode(Int64.self, forKey: .durationMilliseconds),
        cachedSteps: try container.decode(Int.self, forKey: .cachedSteps)
      )
    case "failed": self = .failed(try container.decode(Failure.self, forKey: .failure))
    case "cancelled": self = .cancelled
    default:
      throw DecodingError.dataCorruptedError(
        forKey: .status, in: container, debugDescription: "unknown outcome '\(status)'")
    }
  }
}
