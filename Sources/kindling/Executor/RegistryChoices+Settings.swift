import Outbound
import Remote

/// The flags in the words of the rooms that reach other registries.
extension RegistryChoices {
  /// Whom connections trust.
  var policy: OutboundPolicy {
    var policy = OutboundPolicy()
    policy.userAgent = "kindling/\(Kindling.version)"
    for (host, file) in certificates { policy.trust[host.lowercased(), default: .init()].authorities = [file] }
    for (host, files) in clientCertificates {
      policy.trust[host.lowercased(), default: .init()].identity = OutboundPolicy.Identity(
        certificate: files.certificate, key: files.key)
    }
    return policy
  }

  /// Mirrors first, and the registry itself after them unless the flag forbids it.
  var pulls: RemoteSettings {
    var settings = common(pullRetries, anyHost: pullsPlainly || pullsUnchecked)
    for (host, places) in mirrors { settings.mirrors[RemoteName.canonical(host: host), default: []] += places }
    settings.fallsBackToRegistry = !asksOnlyMirrors
    return settings
  }

  var pushes: RemoteSettings { common(pushRetries, anyHost: pushesPlainly || pushesUnchecked) }

  private func common(_ retries: Int, anyHost: Bool) -> RemoteSettings {
    var settings = RemoteSettings()
    settings.insecureHosts = Set((plainHosts + uncheckedHosts).map { $0.lowercased() }).union(anyHost ? ["*"] : [])
    // Here: broken connections are tried again anyway; a flag asks for more than that, never for less.
    settings.attempts = max(settings.attempts, retries + 1)
    return settings
  }
}
