import Diagnostics
import Storage
import SystemPackage

/// Starts replicas. The real one makes sandboxes; tests have others.
package protocol ReplicaStarter: Sendable {
  /// A replica whose command is running, ready or not. Throws what keeps it from starting: a rule of the container
  /// contract that the image breaks, a command that is not there, a machine that cannot.
  func start(_ plan: ReplicaPlan) async throws(Failure) -> any Replica
}

/// One running copy of an app's image.
package protocol Replica: Sendable {
  var id: ReplicaID { get }
  var plan: ReplicaPlan { get }
  /// What it writes, kept as far as its bound goes, and live.
  var log: ReplicaLog { get }

  /// A new TCP socket in the replica's own network, non-blocking and not yet connected; connect it to 127.0.0.1 and the
  /// port. The caller owns it. Throws `replica-ended` when there is no network any more.
  func socket() throws(Failure) -> FileDescriptor

  /// The TCP ports its processes listen on, for telling an author who listens elsewhere; empty when it cannot be told.
  func listeningPorts() -> [AppPort]

  /// Returns when all of it is dead, however that came; may be awaited by many.
  func end() async -> ReplicaEnd

  /// Sends the image's stop signal, after `grace` kills what is left. Returns when all is dead. May be called again
  /// meanwhile; the shorter grace counts.
  func stop(grace: Duration) async
}

extension Replica {
  package func listeningPorts() -> [AppPort] { [] }
}

/// How a replica ended.
package struct ReplicaEnd: Sendable, Hashable {
  package enum Cause: Sendable, Hashable {
    case exited(status: Int)
    case signalled(Int)
    /// It had more than its memory, and the kernel killed it.
    case outOfMemory(limit: ByteCount)
    /// `stop` was called.
    case stopped
  }

  package var cause: Cause
  /// The last it wrote, at most ten lines.
  package var lastLines: [String]

  package init(cause: Cause, lastLines: [String] = []) {
    self.cause = cause
    self.lastLines = lastLines
  }
}
