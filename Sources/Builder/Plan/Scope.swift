import Diagnostics
import Dockerfile
import OCI

/// The variables a stage's words can see: ENV, then declared ARGs. ENV wins (Dockerfile reference, "Using ARG variables").
struct Scope {
  /// `K=V` in the order of first setting, as the image's configuration keeps them.
  private(set) var environment: [String]
  /// Declared ARGs that have a value, in order.
  private(set) var arguments: [(name: String, value: String)]
  /// Names of all declared ARGs, with a value or without.
  private(set) var declared: Set<String>
  /// ARGs whose value is a secret or was made of one.
  private(set) var secretArguments: Set<String> = []

  init(environment: [String], arguments: [(name: String, value: String)] = []) {
    self.environment = environment
    self.arguments = arguments
    declared = Set(arguments.map(\.name))
  }

  func value(of name: String) -> String? {
    environment.last { Self.isEntry($0, of: name) }
      .map { String(decoding: $0.utf8.dropFirst(name.utf8.count + 1), as: UTF8.self) }
      ?? arguments.last { $0.name == name }?.value
  }

  /// Whether `entry` is `name=…`. By bytes: a mark that combines with the `=` makes one character of both.
  private static func isEntry(_ entry: String, of name: String) -> Bool {
    entry.utf8.starts(with: name.utf8) && entry.utf8.dropFirst(name.utf8.count).first == UInt8(ascii: "=")
  }

  mutating func setEnvironment(_ name: String, _ value: String) {
    let entry = "\(name)=\(value)"
    if let index = environment.firstIndex(where: { Self.isEntry($0, of: name) }) {
      environment[index] = entry
    } else {
      environment.append(entry)
    }
  }

  /// An ARG without a value: known, and empty where it is used.
  mutating func declare(_ name: String) { declared.insert(name) }

  mutating func setArgument(_ name: String, _ value: String, isSecret: Bool = false) {
    declared.insert(name)
    if isSecret { secretArguments.insert(name) } else { secretArguments.remove(name) }
    arguments.removeAll { $0.name == name }
    arguments.append((name, value))
  }

  /// Whether the variable is an ARG that holds a secret, and no ENV hides it.
  func isSecret(_ name: String) -> Bool {
    secretArguments.contains(name) && !environment.contains { Self.isEntry($0, of: name) }
  }

  /// What a RUN sees: the image's environment, and ARGs that no ENV hides.
  var commandEnvironment: [String] {
    let visible = arguments.filter { argument in !environment.contains { Self.isEntry($0, of: argument.name) } }
    return environment + visible.map { "\($0.name)=\($0.value)" }
  }
}

/// The build arguments nobody has to declare.
enum PredefinedArguments {
  /// Whether an argument means something to the build itself, so that no ARG needs to name it (Dockerfile reference,
  /// "BuildKit built-in build args").
  static func isBuiltIn(_ name: String) -> Bool {
    proxies.contains(name) || name == SourceDateEpoch.name || name.hasPrefix("BUILDKIT_")
      || globals(.host, target: nil)[name] != nil
  }

  /// Proxy settings reach RUN without an ARG and are in no history and no cache key (Dockerfile reference).
  static let proxies: Set<String> = [
    "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY", "ftp_proxy", "NO_PROXY", "no_proxy",
    "ALL_PROXY", "all_proxy",
  ]

  /// Known in FROM lines at once, and in a stage after `ARG NAME`; a build argument of the name wins.
  static func globals(_ platform: Platform, target: String?) -> [String: String] {
    let build = Platform.host
    return [
      "TARGETPLATFORM": platform.description, "TARGETOS": platform.os, "TARGETARCH": platform.architecture,
      "TARGETVARIANT": platform.variant ?? "", "TARGETSTAGE": target ?? "default",
      "BUILDPLATFORM": build.description, "BUILDOS": build.os,
      "BUILDARCH": build.architecture, "BUILDVARIANT": build.variant ?? "",
    ]
  }
}
