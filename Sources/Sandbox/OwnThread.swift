import CSandbox
import Diagnostics
import Glibc
import SystemPackage

/// A thread for one piece of work that blocks for long. Dispatch has threads for some such pieces, not for hundreds.
struct OwnThread {
  private let work: @Sendable () -> Void

  init(_ work: @escaping @Sendable () -> Void) { self.work = work }

  private final class Box: Sendable {
    let work: @Sendable () -> Void
    init(_ work: @escaping @Sendable () -> Void) { self.work = work }
  }

  /// Nil when it was started; else why not.
  func start() -> Failure? {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 512 << 10)
    let box = Unmanaged.passRetained(Box(work))
    var thread = pthread_t()
    let error = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().work()
        return nil
      }, box.toOpaque())
    guard error != 0 else { return nil }
    box.release()
    return Failure(
      .resourceExhausted, reason: "sandbox-thread", "thread for a command can't be started",
      hint: "raise the limit of processes", cause: Errno(rawValue: error).description)
  }
}
