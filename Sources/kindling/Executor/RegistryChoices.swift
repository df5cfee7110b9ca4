import Diagnostics
import SystemPackage

/// How other registries are reached, as the flags say it.
struct RegistryChoices: Sendable, Hashable {
  struct Certificate: Sendable, Hashable {
    var certificate: FilePath
    var key: FilePath
  }

  var pushesPlainly = false
  var pullsPlainly = false
  var plainHosts: [String] = []
  var pushesUnchecked = false
  var pullsUnchecked = false
  var uncheckedHosts: [String] = []
  /// Certificates to trust, by registry.
  var certificates: [String: FilePath] = [:]
  var clientCertificates: [String: Certificate] = [:]
  /// Where the images of a registry are asked for first, by registry.
  var mirrors: [String: [String]] = [:]
  var asksOnlyMirrors = false
  var pushRetries = 0
  var pullRetries = 0

  init(_ flags: FlagValues, _ environment: [String: String]) throws(Failure) {
    pushesPlainly = try flags.isOn("insecure")
    pullsPlainly = try flags.isOn("insecure-pull")
    plainHosts = flags.all("insecure-registry")
    pushesUnchecked = try flags.isOn("skip-tls-verify")
    pullsUnchecked = try flags.isOn("skip-tls-verify-pull")
    uncheckedHosts = flags.all("skip-tls-verify-registry")
    certificates = try flags.pairs("registry-certificate").mapValues { FilePath($0) }
    for (host, text) in try flags.pairs("registry-client-cert") {
      let files = text.split(separator: ",").map { FilePath(String($0)) }
      guard files.count == 2 else { throw FlagValues.invalid("registry-client-cert", text, "HOST=CERT,KEY") }
      clientCertificates[host] = Certificate(certificate: files[0], key: files[1])
    }
    asksOnlyMirrors = try flags.isOn("skip-default-registry-fallback")
    pushRetries = try flags.number("push-retry") ?? 0
    pullRetries = try flags.number("image-download-retry") ?? 0
    let maps = flags.all("registry-map") + (environment["KANIKO_REGISTRY_MAP"].map { [$0] } ?? [])
    for part in maps.flatMap({ $0.split(separator: ";") }) {
      let (host, other) = try FlagValues.pair("registry-map", String(part))
      mirrors[host, default: []].append(other)
    }
    for mirror in flags.all("registry-mirror") + (environment["KANIKO_REGISTRY_MIRROR"].map { [$0] } ?? []) {
      mirrors["index.docker.io", default: []].append(mirror)
    }
  }
}
