import API
import Diagnostics
import FoundationEssentials
import Runner
import Storage

/// An app's answer as the contract streams it: a head, chunks, and a trailer, which also tells of an answer that broke
/// off.
package struct InvokeFrames: AsyncSequence, Sendable {
  package typealias Element = Dodil_Ignite_V1_InvokeResponse

  let answer: AppAnswer
  let execution: ExecutionID
  let began: ContinuousClock.Instant

  package struct Iterator: AsyncIteratorProtocol {
    private enum Phase { case head, body, over }

    private let frames: InvokeFrames
    private var pieces: AsyncThrowingStream<[UInt8], any Error>.Iterator
    private var phase = Phase.head

    init(_ frames: InvokeFrames) {
      self.frames = frames
      pieces = frames.answer.body.makeAsyncIterator()
    }

    package mutating func next() async throws -> Element? {
      var frame = Element()
      switch phase {
      case .over: return nil
      case .head:
        phase = .body
        frame.head.statusCode = UInt32(clamping: frames.answer.status)
        frame.head.headers = headerMap(frames.answer.headers)
        frame.head.executionID = frames.execution.text
      case .body:
        do {
          while let piece = try await pieces.next() {
            guard !piece.isEmpty else { continue }
            frame.chunk = Data(piece)
            return frame
          }
        } catch {
          if error is CancellationError { throw error }
          frame.trailer.error = Diagnostics.Failure(wrapping: error, while: "the answer").oneLine
        }
        phase = .over
        // An answer that ended for a reader that left has no end.
        if Task.isCancelled { throw CancellationError() }
        frame.trailer.durationMs = UInt64(clamping: Int64(ContinuousClock.now - frames.began, in: .milliseconds(1)))
      }
      return frame
    }
  }

  package func makeAsyncIterator() -> Iterator { Iterator(self) }
}

extension Int64 {
  /// Whole units, at least one: a call that took none is not known.
  fileprivate init(_ duration: Duration, in unit: Duration) { self = Swift.max(1, Int64(duration / unit)) }
}
