import Dispatch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The second Ctrl-C: ends the process at once while it is stopping.
///
/// Nothing is lost by it: what was acknowledged is on disk, and the processes of RUN steps end with ours.
struct ImpatientStop {
  private let source: any DispatchSourceSignal

  /// Armed for as long as the value lives.
  init() {
    source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    source.setEventHandler { _exit(130) }
    source.resume()
  }
}
