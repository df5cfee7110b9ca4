import Diagnostics
import FoundationEssentials
import Outbound

/// What a registry is shown to let somebody in. Its text never is in a description.
package enum RegistryCredential: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
  case password(user: String, secret: String)
  /// Docker's identity token: exchanged for an access token at the registry's token server.
  case identityToken(String)
  /// Sent as it is.
  case bearer(String)

  package var description: String { "a registry credential" }
  package var debugDescription: String { description }

  /// Reads one saved value: JSON `{"username","password"}` (or docker's `auth`, `identitytoken`, `registrytoken`),
  /// base64 of `user:secret`, or `user:secret` itself. Throws `registry-credential-invalid`.
  package init(saved text: String, host: String) throws(Failure) {
    let trimmed = text.trimmed
    if trimmed.hasPrefix("{") {
      guard let entry = try? JSONDecoder().decode(DockerAuthEntry.self, from: Data(trimmed.utf8)),
        let credential = entry.credential
      else { throw Self.invalid(host) }
      self = credential
    } else if let credential = Self.pair(base64: trimmed) ?? Self.pair(trimmed) {
      self = credential
    } else {
      throw Self.invalid(host)
    }
  }

  /// `user:secret`, where neither is empty.
  static func pair(_ text: String) -> RegistryCredential? {
    guard let colon = text.firstIndex(of: ":") else { return nil }
    let secret = String(text[text.index(after: colon)...].prefix { $0 != "\0" })
    guard colon > text.startIndex, !secret.isEmpty else { return nil }
    return .password(user: String(text[..<colon]), secret: secret)
  }

  static func pair(base64 text: String) -> RegistryCredential? {
    guard let data = Data(base64Encoded: text), let plain = String(validating: data, as: UTF8.self) else { return nil }
    return pair(plain)
  }

  /// The value of an `Authorization: Basic` header; nil for tokens.
  var basic: String? {
    guard case .password(let user, let secret) = self else { return nil }
    return BasicScheme.authorization("\(user):\(secret)")
  }

  /// What must not be read where others read: the secret, and what it is sent as.
  package var secrets: [String] {
    switch self {
    case .password(let user, let secret): [secret, BasicScheme.encoded("\(user):\(secret)")]
    case .identityToken(let token), .bearer(let token): [token]
    }
  }

  private static func invalid(_ host: String) -> Failure {
    Failure(
      .invalidArgument, reason: "registry-credential-invalid", "the credentials saved for '\(host)' cannot be read",
      hint: #"save {"username": …, "password": …}, or base64 of USER:TOKEN"#)
  }
}

/// One entry of docker's `auths`.
struct DockerAuthEntry: Decodable {
  var auth: String?
  var username: String?
  var password: String?
  var identitytoken: String?
  var registrytoken: String?

  /// Nil for the empty entry that docker writes where a helper keeps the secret.
  var credential: RegistryCredential? {
    if let registrytoken, !registrytoken.isEmpty { return .bearer(registrytoken) }
    if let identitytoken, !identitytoken.isEmpty { return .identityToken(identitytoken) }
    if let username, let password, !username.isEmpty { return .password(user: username, secret: password) }
    return auth.flatMap { RegistryCredential.pair(base64: $0) }
  }
}

/// Credentials by registry.
package struct RegistryCredentials: Sendable {
  private let saved: [String: RegistryCredential]
  private let docker: DockerConfig?

  /// No credentials at all.
  package init() {
    saved = [:]
    docker = nil
  }

  /// One credential, for one registry alone.
  package init(_ credential: RegistryCredential, for host: String) {
    saved = [RemoteName.canonical(host: host): credential]
    docker = nil
  }

  /// `saved` is host or URL → value as `RegistryCredential(saved:host:)` reads it; what is not in it is looked for in
  /// docker's configuration. Throws `registry-credential-invalid`.
  package init(saved: [String: String], docker: DockerConfig? = nil) throws(Failure) {
    var read: [String: RegistryCredential] = [:]
    for (key, text) in saved {
      let host = RemoteName.canonical(host: key)
      read[host] = try RegistryCredential(saved: text, host: host)
    }
    self.saved = read
    self.docker = docker
  }

  /// The credential for a registry, or nil to go in as nobody. Throws when docker's helper fails.
  func credential(for host: String) async throws(Failure) -> RegistryCredential? {
    if let own = saved[host] { return own }
    return try await docker?.credential(for: host)
  }
}

extension String {
  var trimmed: String {
    let isSpace: (Character) -> Bool = { $0.isWhitespace }
    var rest = self[...]
    while let last = rest.last, isSpace(last) { rest = rest.dropLast() }
    return String(rest.drop(while: isSpace))
  }
}
