import Diagnostics
import HTTPTypes
import HummingbirdCore
import Service

/// Who gets a token without having one: programs and pages of this machine, where nobody else has a say.
struct LocalCallers: Sendable {
  /// False on a server that others reach: their RUNs come over loopback too.
  let areTrusted: Bool

  /// Whether the call comes from this machine and says so in `Host`.
  func includes(_ call: Call) -> Bool {
    areTrusted && call.context.isFromLoopback && HostRule.isLoopback(call.request.head.authority)
  }
}

extension IdentityService {
  /// Whoever makes the call; throws UNAUTHENTICATED.
  func caller(of call: Call) async throws(Failure) -> Identity {
    try await identity(
      authorization: call.header(.authorization),
      organization: call.header(.organizationName) ?? call.header(.organizationID)
    )
  }
}
