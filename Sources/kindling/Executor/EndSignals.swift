import Dispatch
import Foundation

/// The signals that ask a build to end, as something to wait for.
enum EndSignals {
  /// The numbers of the signals that come; their default meaning is back when the reader stops.
  static func stream() -> AsyncStream<Int32> {
    AsyncStream { continuation in
      for number in [SIGINT, SIGTERM] {
        signal(number, SIG_IGN)
        // Sources are safe to use from any thread; the type does not say so.
        nonisolated(unsafe) let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { continuation.yield(number) }
        source.setCancelHandler { signal(number, SIG_DFL) }
        let previous = continuation.onTermination
        continuation.onTermination = { end in
          source.cancel()
          previous?(end)
        }
        source.resume()
      }
    }
  }
}
