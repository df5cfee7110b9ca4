import Archive
import Builder
import Diagnostics
import OCI
import Storage
import SystemPackage

/// Plays builds from a script, for tests of clients: no sandbox, no Dockerfile, no network, and an image that can be
/// pulled all the same. Queue, log stream, time limit, cancelling and tags are those of every build.
package struct ScriptedBuilder: Sendable {
  private let script: BuildScript
  private let blobs: BlobStore
  private let clock: WallClock

  package init(script: BuildScript, blobs: BlobStore, clock: WallClock = .system) {
    self.script = script
    self.blobs = blobs
    self.clock = clock
  }

  private static let step = 1
  private static let instruction = "SCRIPT"

  func build(_ record: BuildRecord, reporter: EventReporter) async throws(Failure) -> BuiltImage {
    try reporter.report([
      .note("scripted: nothing of the source is built (kindling start --builder scripted)")
    ])
    let entry = try script.entry(for: record)
    let started = clock.now()
    let instruction = Self.instruction + (entry.name.map { " " + $0 } ?? "")
    try reporter.report([
      .planned([BuildEvent.PlannedStep(step: Self.step, stage: "script", instruction: instruction, line: 1)]),
      .stepStarted(step: Self.step),
    ])
    do throws(Failure) {
      try await play(entry, reporter)
    } catch {
      try finish(error.code == .cancelled ? .cancelled : .failed, since: started, reporter)
      throw error
    }
    let image = try image(of: entry, record)
    try finish(.ran, since: started, reporter)
    return image
  }

  private func play(_ entry: BuildScript.Entry, _ reporter: EventReporter) async throws(Failure) {
    for line in entry.log {
      try await wait(line.afterMilliseconds)
      try reporter.report([.output(step: Self.step, stream: line.isError ? .stderr : .stdout, line: line.text)])
    }
    try await wait(entry.delayMilliseconds)
    switch entry.outcome {
    case .succeeded: break
    case .failed:
      throw Failure(.failedPrecondition, reason: "scripted-failure", entry.error ?? "the script says that it fails")
    case .hang: while true { try await wait(3_600_000) }
    }
  }

  private func wait(_ milliseconds: Int64) async throws(Failure) {
    do {
      try Task.checkCancellation()
      if milliseconds > 0 { try await Task.sleep(for: .milliseconds(milliseconds)) }
    } catch { throw Failure(.cancelled, reason: "cancelled", "the build was cancelled") }
  }

  private func finish(
    _ result: BuildEvent.StepReport.Result, since started: Timestamp, _ reporter: EventReporter
  ) throws(Failure) {
    let milliseconds = max(0, clock.now().milliseconds - started.milliseconds)
    try reporter.report([
      .stepFinished(BuildEvent.StepReport(step: Self.step, result: result, durationMilliseconds: milliseconds))
    ])
  }

  /// Layers of one small file each, the same ones for the same name.
  private func image(of entry: BuildScript.Entry, _ record: BuildRecord) throws(Failure) -> BuiltImage {
    var layers: [LayerRecord] = []
    for number in 1...entry.layers {
      let text = Array("layer \(number) of \(record.name), scripted\n".utf8)
      let file = TarEntry(
        path: FilePath("scripted-\(number).txt"), kind: .file, mode: 0o644, size: Int64(text.count))
      layers.append(
        try LayerBlob(store: blobs).write { (tar) throws(Failure) in try tar.append(file, body: BytesReader(text)) })
    }
    var config = ImageConfig(platform: record.platform)
    config.created = ImageBuilder.timeText(clock.now())
    config.rootfs = ImageConfig.RootFS(diffIDs: layers.map(\.diffID))
    config.history = layers.map { _ in
      ImageConfig.History(created: config.created, createdBy: Self.instruction, comment: "kindling scripted")
    }
    let bytes: [UInt8]
    do { bytes = try CanonicalJSON.encode(config) } catch {
      throw Failure(wrapping: error, while: "writing the image configuration")
    }
    return BuiltImage(config: bytes, layers: layers.map(\.descriptor), cachedSteps: 0, baseType: nil)
  }
}
