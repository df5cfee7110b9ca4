import Dispatch
import Foundation

/// Ctrl-C as something to wait for, instead of the end of the process.
enum Interrupts {
  /// Elements are interrupts; the default meaning comes back when the reader stops.
  static func stream() -> AsyncStream<Void> {
    AsyncStream { continuation in
      signal(SIGINT, SIG_IGN)
      // Sources are safe to use from any thread; the type does not say so.
      nonisolated(unsafe) let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
      source.setEventHandler { continuation.yield() }
      source.setCancelHandler { signal(SIGINT, SIG_DFL) }
      continuation.onTermination = { _ in source.cancel() }
      source.resume()
    }
  }

  /// The exit status of a process that an interrupt ended.
  static let exitStatus: Int32 = 130
}
