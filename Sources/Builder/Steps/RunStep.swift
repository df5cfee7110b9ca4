import Archive
import Diagnostics
import OCI
import Sandbox
import Storage
import Synchronization
import SystemPackage

/// Runs one command over the stage's layers and makes a layer of what it changed.
///
/// The overlay's upper directory is the layer: it is packed without looking at anything else, and then becomes the
/// layer's unpacked directory by a rename.
struct RunStep {
  let builder: ImageBuilder
  let step: PlannedStep
  let action: RunAction
  /// Topmost first.
  let lowers: [FilePath]
  let tree: RootTree
  let scratch: ScratchFolder
  let format: LayerFormat
  let reporter: any BuildReporter

  func run() async throws(Failure) -> LayerRecord {
    let folder = try scratch.directory("run")
    let root = SandboxRoot(lowers: lowers, upper: folder.appending("upper"), work: folder.appending("work"))
    try root.create()
    try FileSystem.makeDirectory(folder.appending("root"))

    let output = StepOutput(step: step.number, reporter: reporter)
    let status = try await builder.sandbox.run(try command(root, folder)) { output.take($0) }
    try output.finish()
    guard case .exited(0) = status else { throw failure(status, output) }

    let record = try LayerBlob(store: builder.blobs, format: format).write { (tar) throws(Failure) in
      _ = try LayerPacker(upper: root.upper, xattrs: builder.layers.xattrs).pack(
        into: tar, excluding: Set(format.without), mtimeClamp: format.latestTime)
    }
    if format.keepsEntries { builder.layers.adopt(root.upper, as: record.digest) }
    return record
  }

  private func command(_ root: SandboxRoot, _ folder: FilePath) throws(Failure) -> SandboxCommand {
    let user = try Accounts(in: tree).user(action.user)
    var environment = action.environment + action.proxies
    if !environment.contains(where: { $0.hasPrefix("HOME=") }) { environment.append("HOME=\(user.home)") }
    let hosts = folder.appending("hosts")
    try FileSystem.write("127.0.0.1\tlocalhost buildkitsandbox\n::1\tlocalhost ip6-localhost ip6-loopback\n", to: hosts)
    var binds = [SandboxCommand.Bind(source: hosts, target: "/etc/hosts", readOnly: true)]
    // Copied, because the host's may be a link into a place the sandbox does not have.
    let resolver = folder.appending("resolv.conf")
    try FileSystem.write(Self.hostResolver(), to: resolver)
    binds.append(SandboxCommand.Bind(source: resolver, target: "/etc/resolv.conf", readOnly: true))
    if let script = action.script {
      let file = folder.appending("script")
      try FileSystem.write(script, to: file, mode: [.ownerReadWriteExecute, .groupReadExecute, .otherReadExecute])
      binds.append(SandboxCommand.Bind(source: file, target: FilePath(StagePlanner.scriptPath), readOnly: true))
    }
    return SandboxCommand(
      root: root, mountPoint: folder.appending("root"), arguments: action.arguments, environment: environment,
      workingDirectory: action.workingDirectory,
      user: UserSpec(uid: user.uid, gid: user.gid, supplementary: user.supplementary), hostname: "buildkitsandbox",
      network: action.network == .none ? .none : .host, binds: binds)
  }

  private static func hostResolver() -> String {
    guard let reader = try? FileReader(path: "/etc/resolv.conf"),
      let bytes = try? reader.contents(limit: .kibibytes(64))
    else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func failure(_ status: ExitStatus, _ output: StepOutput) -> Failure {
    let text =
      switch status {
      case .exited(let code): "exit status \(code)"
      case .signalled(let signal): "killed by signal \(signal)"
      }
    let lines = output.lastLines
    var failure = Failure(
      .failedPrecondition, reason: "run-failed", "step \(step.number) '\(step.instruction)' failed: \(text)",
      source: step.source, hint: status == .signalled(9) ? "it may have run out of memory" : nil,
      cause: lines.isEmpty ? nil : "last lines:\n" + lines.map { "  " + $0 }.joined(separator: "\n"))
    failure.commandStatus =
      switch status {
      case .exited(let code): code
      case .signalled(let signal): 128 + signal
      }
    return failure
  }
}

/// Cuts a step's output into lines, reports them, and remembers the last ones for the failure.
final class StepOutput: Sendable {
  private struct State {
    var pending: [BuildEvent.OutputStream: [UInt8]] = [:]
    var last: [String] = []
    var failure: Failure?
  }
  /// A line longer than this is passed on in pieces, so that memory stays bounded.
  private static let longestLine = 64 << 10
  private static let kept = 10

  private let step: Int
  private let reporter: any BuildReporter
  private let state = Mutex(State())

  init(step: Int, reporter: any BuildReporter) {
    self.step = step
    self.reporter = reporter
  }

  /// Without the escape sequences that colour a terminal: they mean nothing in a record or a letter.
  var lastLines: [String] {
    state.withLock { $0.last }.map { $0.replacing(/\u{1B}\[[0-9;?]*[ -\/]*[@-~]/, with: "") }
  }

  func take(_ chunk: OutputChunk) {
    let stream: BuildEvent.OutputStream = chunk.stream == .stdout ? .stdout : .stderr
    state.withLock { state in
      var bytes = state.pending.removeValue(forKey: stream) ?? []
      bytes.append(contentsOf: chunk.bytes)
      var lines: [String] = []
      var start = 0
      while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
        lines.append(String(decoding: bytes[start..<end], as: UTF8.self))
        start = end + 1
      }
      if bytes.count - start >= Self.longestLine {
        lines.append(String(decoding: bytes[start...], as: UTF8.self))
        start = bytes.count
      }
      state.pending[stream] = Array(bytes[start...])
      report(lines, stream, &state)
    }
  }

  /// Passes on what came without a line end; throws when the events could not be kept.
  func finish() throws(Failure) {
    let failure = state.withLock { state in
      for (stream, bytes) in state.pending where !bytes.isEmpty {
        report([String(decoding: bytes, as: UTF8.self)], stream, &state)
      }
      state.pending = [:]
      return state.failure
    }
    if let failure { throw failure }
  }

  private func report(_ lines: [String], _ stream: BuildEvent.OutputStream, _ state: inout State) {
    guard !lines.isEmpty, state.failure == nil else { return }
    state.last = (state.last + lines.suffix(Self.kept)).suffix(Self.kept)
    do throws(Failure) {
      try reporter.report(lines.map { .output(step: step, stream: stream, line: $0) })
    } catch { state.failure = error }
  }
}
