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
  package static func start(
    _ command: ResidentCommand, executable: FilePath = "/proc/self/exe",
    output: @escaping @Sendable (OutputChunk) -> Void, ended: @escaping @Sendable (End) -> Void
  ) async throws(Failure) -> Resident {
    csandbox_anchor()
    let description = try SandboxDescription(command, inUserNamespace: UserNamespace.isInside)
    if Task.isCancelled { throw cancelled }
    let resident = Resident(run: try SandboxRun(executable: executable, description: description))
    let beginning = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Result<Void, Failure>, Never>) in
        let thread = OwnThread { resident.follow(output, begun: { continuation.resume(returning: $0) }, ended) }
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
    _ output: (OutputChunk) -> Void, begun: @escaping (Result<Void, Failure>) -> Void, _ ended: (End) -> Void
  ) {
    var hasBegun = false
    let said = run.drain { said in
      guard !hasBegun, said.starts(with: Array("running ".utf8)) else { return }
      hasBegun = true
      openNetwork()
      begun(.success(()))
    } _: {
      output($0)
    }
    network.withLock { network in
      try? network?.close()
      network = nil
    }
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
