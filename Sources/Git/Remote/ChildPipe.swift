import Diagnostics
import Dispatch
import Glibc
import Synchronization
import SystemPackage

/// A program of the system with its input, output and messages in our hands.
///
/// It is killed, with what it started, when the task that waits for it is cancelled and when this is let go.
final class ChildPipe: Sendable {
  /// Longest text of its standard error that is kept; the end of it, as what matters is said last.
  private static let keptErrors = 4096
  private static let pieceSize = 64 << 10

  let name: String
  private let pid: pid_t
  // Sockets, not pipes: a pipe whose reader died would kill us with SIGPIPE.
  private let input: FileDescriptor
  private let output: FileDescriptor
  private let errors: FileDescriptor
  private let said = Mutex<[UInt8]>([])
  private let isEnded = Mutex(false)
  private let queue = DispatchQueue(label: "kindling.child")

  /// Starts the program at `path`; throws `git-child` where it can't be.
  init(_ path: FilePath, arguments: [String], environment: [String: String]) throws(Failure) {
    name = path.lastComponent?.string ?? path.string
    var opened: [Int32] = []
    func fail(_ error: Int32) -> Failure {
      for descriptor in opened { _ = Glibc.close(descriptor) }
      return Failure(
        .internal, reason: "git-child", "program \"\(path)\" can't be started",
        cause: Errno(rawValue: error).description)
    }
    var ends: [Int32] = []
    for _ in 0..<3 {
      var pair: [Int32] = [-1, -1]
      guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
        throw fail(errno)
      }
      ends += pair
      opened = ends
    }
    let started = Self.spawn(path, arguments, environment, streams: [ends[1], ends[3], ends[5]])
    guard started.error == 0 else { throw fail(started.error) }
    for descriptor in [ends[1], ends[3], ends[5]] { _ = Glibc.close(descriptor) }
    pid = started.pid
    input = FileDescriptor(rawValue: ends[0])
    output = FileDescriptor(rawValue: ends[2])
    errors = FileDescriptor(rawValue: ends[4])
  }

  deinit {
    kill()
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    for descriptor in [input, output, errors] { try? descriptor.close() }
  }

  /// Ends the program at once; may be called at any time.
  func kill() {
    isEnded.withLock { isEnded in
      // The process is reaped after this alone, so its number is still its own.
      if !isEnded { _ = Glibc.kill(-pid, SIGKILL) }
      isEnded = true
    }
  }

  /// What it wrote on its standard error, cleaned.
  var errorText: String { said.withLock { RemoteText.clean(String(decoding: $0.suffix(1000), as: UTF8.self)) } }

  /// The next bytes of its output; empty at the end. Throws `git-stalled` after `idle` without any, and `cancelled`.
  func read(idle: Duration) async throws(Failure) -> [UInt8] {
    try await onQueue { child throws(Failure) in try child.readNow(idle: idle) }
  }

  /// Writes all of `bytes`; throws as `read` does, and `git-connection-lost`.
  func write(_ bytes: [UInt8], idle: Duration) async throws(Failure) {
    try await onQueue { child throws(Failure) in try child.writeNow(bytes, idle: idle) }
  }

  private func onQueue<Value: Sendable>(
    _ body: @escaping @Sendable (ChildPipe) throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    if Task.isCancelled { throw .gitCancelled }
    let result: Result<Value, Failure> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        queue.async {
          do throws(Failure) { continuation.resume(returning: .success(try body(self))) } catch {
            continuation.resume(returning: .failure(error))
          }
        }
      }
    } onCancel: {
      kill()
    }
    if Task.isCancelled { throw .gitCancelled }
    return try result.get()
  }

  private func readNow(idle: Duration) throws(Failure) -> [UInt8] {
    var polled = [output, errors].map { pollfd(fd: $0.rawValue, events: Int16(POLLIN), revents: 0) }
    while true {
      try wait(&polled, idle: idle)
      if polled[1].revents != 0, !listen() { polled[1].fd = -1 }
      guard polled[0].revents != 0 else { continue }
      let bytes = piece(of: output)
      // What it says last often comes with its end.
      if bytes.isEmpty, polled[1].fd >= 0 {
        polled[0].fd = -1
        while polled[1].fd >= 0, poll(&polled, 2, 1000) > 0 { if !listen() { polled[1].fd = -1 } }
      }
      return bytes
    }
  }

  private func writeNow(_ bytes: [UInt8], idle: Duration) throws(Failure) {
    var rest = bytes[...]
    var polled = [
      pollfd(fd: input.rawValue, events: Int16(POLLOUT), revents: 0),
      pollfd(fd: errors.rawValue, events: Int16(POLLIN), revents: 0),
    ]
    while !rest.isEmpty {
      try wait(&polled, idle: idle)
      if polled[1].revents != 0, !listen() { polled[1].fd = -1 }
      guard polled[0].revents != 0 else { continue }
      let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
      let count = rest.withUnsafeBytes { send(input.rawValue, $0.baseAddress, $0.count, flags) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if ![EAGAIN, EINTR].contains(errno) {
        while polled[1].fd >= 0, poll(&polled[1], 1, 1000) > 0 { if !listen() { polled[1].fd = -1 } }
        throw .gitConnectionLost("\(name) ended. \(errorText)")
      }
    }
  }

  private func wait(_ polled: inout [pollfd], idle: Duration) throws(Failure) {
    let milliseconds = Int32(
      clamping: idle.components.seconds * 1000 + idle.components.attoseconds / 1_000_000_000_000_000)
    let count = poll(&polled, nfds_t(polled.count), milliseconds)
    if count == 0 { throw .gitStalled("\(name) was silent for \(idle)", limit: "idle-timeout") }
  }

  /// Takes what is on standard error; false at its end.
  private func listen() -> Bool {
    let bytes = piece(of: errors)
    said.withLock { said in
      said.append(contentsOf: bytes)
      if said.count > Self.keptErrors { said.removeFirst(said.count - Self.keptErrors) }
    }
    return !bytes.isEmpty
  }

  private func piece(of descriptor: FileDescriptor) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { buffer, count in
      count = (try? descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
    }
  }

  /// Starts it as the head of a group of its own, with the usual signals, so that all of it can be killed.
  private static func spawn(
    _ path: FilePath, _ arguments: [String], _ environment: [String: String], streams: [Int32]
  ) -> (pid: pid_t, error: Int32) {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    for (number, descriptor) in streams.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
    }
    var all = sigset_t()
    sigfillset(&all)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    let words = ([path.string] + arguments).map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in words + variables { free(pointer) } }
    var pid: pid_t = 0
    let error = posix_spawn(&pid, path.string, &actions, &attributes, words, variables)
    return (pid, error)
  }
}
