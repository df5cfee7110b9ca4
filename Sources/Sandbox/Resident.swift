import CSandbox
import Diagnostics
import Glibc
import Synchronization
import SystemPackage

/// One running resident command.
package final class Resident: Sendable {
  let run: SandboxRun
  /// Its namespace of networks; nil before it runs and after its end.
  private let network = Mutex<FileDescriptor?>(nil)

  private let isAsked = Atomic<Bool>(false)
  /// What is to be done when the network is gone; nil once it is.
  private let closing = Mutex<[@Sendable () -> Void]?>([])

  private init(run: SandboxRun) { self.run = run }

  /// How a resident command ended.
  package struct End: Sendable, Hashable {
    /// Nil when its process 1 was killed, and all with it.
    package var status: ExitStatus?
    /// How many of its processes the kernel has killed for the memory they had.
    package var memoryKills: Int
    package init(status: ExitStatus?, memoryKills: Int) {
      self.status = status
      self.memoryKills = memoryKills
    }
  }

  /// Starts the command, and returns when it runs; throws why it doesn't.
  ///
  /// `output` and, once it ran, `ended` are called by one thread, in order; `ended` last and when all is dead.
  /// `connecting` is called for connections that are asked for, by another thread.
  package static func start(
    _ command: ResidentCommand, executable: FilePath = "/proc/self/exe",
    output: @escaping @Sendable (OutputChunk) -> Void,
    connecting: @escaping @Sendable (OutboundCall) -> Void = { $0.answer(error: ENETUNREACH) },
    ended: @escaping @Sendable (End) -> Void
  ) async throws(Failure) -> Resident {
    csandbox_anchor()
    let description = try SandboxDescription(command, inUserNamespace: UserNamespace.isInside)
    if Task.isCancelled { throw cancelled }
    let resident = Resident(
      run: try SandboxRun(
        executable: executable, description: description, wantsListener: command.asksToConnect))
    let beginning = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Result<Void, Failure>, Never>) in
        let thread = OwnThread {
          resident.follow(output, connecting, begun: { continuation.resume(returning: $0) }, ended)
        }
        if let failure = thread.start() {
          resident.kill()
          _ = resident.run.drain { _ in }
          continuation.resume(returning: .failure(failure))
        }
      }
    } onCancel: {
      resident.kill()
    }
    if case .failure(let failure) = beginning { throw resident.run.wasKilled ? cancelled : failure }
    return resident
  }

  /// A new TCP socket in the command's own network, non-blocking; nil when the network is gone.
  package func socket() throws(Errno) -> FileDescriptor? {
    let made = network.withLock { network -> Int32? in
      guard let network else { return nil }
      let socket = csandbox_socket(network.rawValue, Int32(SOCK_STREAM.rawValue))
      return socket >= 0 ? socket : -errno
    }
    guard let made else { return nil }
    if made < 0 { throw Errno(rawValue: -made) }
    return FileDescriptor(rawValue: made)
  }

  package func signal(_ number: UInt8) { run.signal(number) }

  /// Kills every process; returns at once.
  package func kill() { run.kill() }

  /// On a thread of its own from the start to the end.
  private func follow(
    _ output: (OutputChunk) -> Void, _ connecting: @escaping @Sendable (OutboundCall) -> Void,
    begun: @escaping (Result<Void, Failure>) -> Void, _ ended: (End) -> Void
  ) {
    var hasBegun = false
    let said = run.drain { said in
      guard !hasBegun, said.starts(with: Array("running ".utf8)) else { return }
      hasBegun = true
      openNetwork()
      listen(connecting)
      begun(.success(()))
    } _: {
      output($0)
    }
    network.withLock { network in
      try? network?.close()
      network = nil
    }
    let last = closing.withLock { closing in
      defer { closing = nil }
      return closing ?? []
    }
    for action in last { action() }
    if hasBegun { return ended(Self.end(said)) }
    do throws(Failure) {
      _ = try SandboxReport(said).status()
      begun(.failure(Self.cancelled))
    } catch {
      begun(.failure(error))
    }
  }

  /// The watching process is in the command's network too, and is there as long as its report has not ended.
  private func openNetwork() {
    let path = FilePath("/proc/\(run.processID)/ns/net")
    let opened = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    network.withLock { $0 = opened }
  }

  /// Answers questions until all who could ask are dead.
  private func listen(_ connecting: @escaping @Sendable (OutboundCall) -> Void) {
    guard let listener = run.takeListener() else { return }
    isAsked.store(true, ordering: .relaxed)
    let door = OutboundDoor(listener)
    let thread = OwnThread { [weak self] in
      var call = csandbox_connect()
      while csandbox_next_connect(listener.rawValue, &call) == 1 {
        connecting(OutboundCall(call, door: door, resident: self))
      }
    }
    // Without one every question stays open, until the door is closed.
    _ = thread.start()
  }

  /// Has `action` run when the command's network is gone, at once if it is.
  package func onEnd(_ action: @escaping @Sendable () -> Void) {
    let isOver = closing.withLock { closing in
      closing?.append(action)
      return closing == nil
    }
    if isOver { action() }
  }

  /// Whether its connections beyond its own network are asked for; false where the kernel can't.
  package var asksToConnect: Bool { isAsked.load(ordering: .relaxed) }

  /// A socket bound to 127.0.0.1 in the command's network; a stream's listens. Nil when the network is gone.
  package func boundSocket(isStream: Bool, port: UInt16) throws(Errno) -> FileDescriptor? {
    let type = Int32((isStream ? SOCK_STREAM : SOCK_DGRAM).rawValue)
    let made = network.withLock { network -> Int32? in
      guard let network else { return nil }
      let socket = csandbox_bound_socket(network.rawValue, type, port)
      return socket >= 0 ? socket : -errno
    }
    guard let made else { return nil }
    if made < 0 { throw Errno(rawValue: -made) }
    return FileDescriptor(rawValue: made)
  }

  /// The other end of the caller's socket, and what he is to be told. Takes up to a second, and longer for a caller that
  /// works against it; nobody else waits meanwhile, as the network is not locked.
  func join(_ call: csandbox_connect) -> (end: FileDescriptor?, error: Int32) {
    let network = network.withLock { try? $0?.duplicate() }
    guard let network else { return (nil, ENETUNREACH) }
    defer { try? network.close() }
    var error: Int32 = 0
    let end = withUnsafePointer(to: call) { csandbox_join(network.rawValue, $0, &error) }
    return (end < 0 ? nil : FileDescriptor(rawValue: end), error)
  }

  private static func end(_ said: [UInt8]) -> End {
    var end = End(status: nil, memoryKills: 0)
    for line in String(decoding: said, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 2, let number = Int32(words[1]) else { continue }
      switch words[0] {
      case "exited": end.status = .exited(number)
      case "signalled": end.status = .signalled(number)
      case "oom": end.memoryKills = Int(number)
      default: break
      }
    }
    return end
  }

  private static let cancelled = Failure(.cancelled, reason: "cancelled", "command was cancelled")
}
