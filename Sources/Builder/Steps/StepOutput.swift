import Diagnostics
import Sandbox
import Synchronization

/// Cuts a step's output into lines without secrets, reports them, and remembers the last ones for the failure.
final class StepOutput: Sendable {
  private struct State {
    var pending: [BuildEvent.OutputStream: [UInt8]] = [:]
    var filters: [BuildEvent.OutputStream: SecretFilter]
    var last: [String] = []
    var failure: Failure?
  }
  /// A line longer than this is passed on in pieces, so that memory stays bounded.
  private static let longestLine = 64 << 10
  private static let kept = 10

  private let step: Int
  private let reporter: any BuildReporter
  private let state: Mutex<State>

  init(step: Int, secrets: [SecretValue], reporter: any BuildReporter) {
    self.step = step
    self.reporter = reporter
    let filter = SecretFilter(secrets)
    state = Mutex(State(filters: [.stdout: filter, .stderr: filter]))
  }

  /// Without the escape sequences that colour a terminal: they mean nothing in a record or a letter.
  var lastLines: [String] {
    state.withLock { $0.last }.map { $0.replacing(/\u{1B}\[[0-9;?]*[ -\/]*[@-~]/, with: "") }
  }

  func take(_ chunk: OutputChunk) {
    let stream: BuildEvent.OutputStream = chunk.stream == .stdout ? .stdout : .stderr
    state.withLock { state in
      var bytes = state.pending.removeValue(forKey: stream) ?? []
      bytes.append(contentsOf: state.filters[stream]?.pass(chunk.bytes) ?? chunk.bytes)
      var lines: [String] = []
      var start = 0
      while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
        lines.append(String(decoding: bytes[start..<end], as: UTF8.self))
        start = end + 1
      }
      if bytes.count - start >= Self.longestLine {
        let end = Self.lastWholeCharacter(of: bytes)
        lines.append(String(decoding: bytes[start..<end], as: UTF8.self))
        start = end
      }
      state.pending[stream] = Array(bytes[start...])
      report(lines, stream, &state)
    }
  }

  /// Passes on what came without a line end; throws when the events could not be kept.
  func finish() throws(Failure) {
    let failure = state.withLock { state in
      for stream in [BuildEvent.OutputStream.stdout, .stderr] {
        state.pending[stream, default: []] += state.filters[stream]?.finish() ?? []
      }
      for (stream, bytes) in state.pending where !bytes.isEmpty {
        // What a filter held back may be more lines than one.
        let ended = bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]
        let lines = ended.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        report(lines.map { String(decoding: $0, as: UTF8.self) }, stream, &state)
      }
      state.pending = [:]
      return state.failure
    }
    if let failure { throw failure }
  }

  /// Where the last character ends that came whole: a piece of a long line must not tear one apart.
  static func lastWholeCharacter(of bytes: [UInt8]) -> Int {
    for back in 1...4 where back <= bytes.count {
      let byte = bytes[bytes.count - back]
      let length = byte < 0x80 ? 1 : byte < 0xc0 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf8 ? 4 : 1
      if length > 0 { return length > back ? bytes.count - back : bytes.count }
    }
    return bytes.count
  }

  private func report(_ lines: [String], _ stream: BuildEvent.OutputStream, _ state: inout State) {
    guard !lines.isEmpty, state.failure == nil else { return }
    state.last = (state.last + lines.suffix(Self.kept)).suffix(Self.kept)
    do throws(Failure) {
      try reporter.report(lines.map { .output(step: step, stream: stream, line: $0) })
    } catch { state.failure = error }
  }
}
