import Diagnostics
import HTTPTypes
import HummingbirdCore
import Service

/// Who gets a token without having one: programs and pages of this machine, where nobody else has a say.
struct LocalCallers: Sendable {
  /// False on a server that others reach: their RUNs come over loopback too.
  let areTrusted: Bool

  /// What proxies add: a proxy on this machine speaks for people elsewhere, and some write their upstream into `Host`.
  private static let marks = [
    "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip",
  ]
  .compactMap { HTTPField.Name($0) }

  /// Whether the call comes from this machine and says so in `Host`.
  func includes(_ call: Call) -> Bool {
    areTrusted && call.context.isFromLoopback && HostRule.isLoopback(call.request.head.authority)
      && !Self.marks.contains { call.header($0) != nil }
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
