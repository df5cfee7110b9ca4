import Diagnostics
import Storage
import Synchronization

/// Callers whose tokens have been checked already, for doors that are called thousands of times a second.
///
/// What a token says never changes, and neither does the key it was checked with; so the answer holds until the token
/// ends.
package final class KnownCallers: Sendable {
  /// Many times what a token has; longer ones are checked every time and take no memory.
  private static let longestKey = 8 << 10

  private let identities: IdentityService
  private let clock: WallClock
  private let limit: Int
  private let known = Mutex<[String: Identity]>([:])

  package init(_ identities: IdentityService, clock: WallClock = .system, limit: Int = 4096) {
    self.identities = identities
    self.clock = clock
    self.limit = limit
  }

  /// The caller, when the token has been checked before and lasts; nil means that it has to be checked.
  package func recall(authorization: String?, organization: String?) -> Identity? {
    guard let key = key(authorization, organization), let identity = known.withLock({ $0[key] }) else { return nil }
    guard let end = identity.expiresAt, end <= clock.now() else { return identity }
    known.withLock { _ = $0.removeValue(forKey: key) }
    return nil
  }

  /// Checks the token and remembers the caller; throws UNAUTHENTICATED, which is not remembered.
  package func check(authorization: String?, organization: String?) async throws(Failure) -> Identity {
    let identity = try await identities.identity(authorization: authorization, organization: organization)
    guard let key = key(authorization, organization), key.utf8.count <= Self.longestKey else { return identity }
    known.withLock { known in
      // Whoever makes tokens without end pays for the checks; the rest comes back with its next call.
      if known.count >= limit { known.removeAll(keepingCapacity: true) }
      known[key] = identity
    }
    return identity
  }

  /// What decides who the caller is; nil when it says nothing worth keeping.
  private func key(_ authorization: String?, _ organization: String?) -> String? {
    identities.mode == .off ? organization ?? "" : authorization
  }
}
