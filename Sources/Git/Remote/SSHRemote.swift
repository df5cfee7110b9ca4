import Diagnostics
import Synchronization

/// A repository behind ssh, reached by the system's own ssh with its keys, agent and configuration.
package final class SSHRemote: GitRemote {
  private let command: SSHCommand
  private let limits: GitLimits
  /// The conversation between two questions; taken out while one is asked.
  private let idle = Mutex<SSHSession?>(nil)

  /// Nothing is started yet; throws `git-ssh-missing`, and `git-address-transport` for another address.
  ///
  /// `environment` is the one ssh gets; its `PATH` is searched for it.
  package init(
    address: GitAddress, environment: [String: String], limits: GitLimits = GitLimits()
  ) throws(Failure) {
    command = try SSHCommand(address: address, environment: environment, connectTimeout: limits.connectTimeout)
    self.limits = limits
  }

  package func abilities() async throws(Failure) -> RemoteAbilities {
    let session = try await session()
    defer { keep(session) }
    return session.advertisement.abilities
  }

  package func references(prefixes: [String]) async throws(Failure) -> [RemoteReference] {
    let session = try await session()
    guard session.advertisement.version == 2 else {
      defer { keep(session) }
      // A conversation before version 2 begins with the list, and has it once.
      let listed =
        session.advertisement.isCut
        ? try await SSHSession(command, prefixes: prefixes, limits: limits).advertisement : session.advertisement
      return listed.references(prefixes: prefixes)
    }
    let references = try await session.references(prefixes: prefixes)
    keep(session)
    return references
  }

  package func fetch(
    _ request: FetchRequest, bases: any ObjectSource, into sink: any PackSink,
    progress: @Sendable (GitProgress) throws(Failure) -> Void
  ) async throws(Failure) -> [ObjectID] {
    let session = try await session()
    let shallow = try await session.fetch(request, bases: bases, into: sink, progress: progress)
    // Before version 2 a conversation is over with its pack.
    if session.advertisement.version == 2 { keep(session) }
    return shallow
  }

  private func session() async throws(Failure) -> SSHSession {
    let kept = idle.withLock { session in
      defer { session = nil }
      return session
    }
    if let kept { return kept }
    return try await SSHSession(command, limits: limits)
  }

  private func keep(_ session: SSHSession) { idle.withLock { $0 = session } }
}
