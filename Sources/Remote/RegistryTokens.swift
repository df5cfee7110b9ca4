import Diagnostics
import FoundationEssentials
import Outbound

/// The `Authorization` values that registries gave out, by server, scope and who asked.
actor RegistryTokens {
  struct Key: Hashable, Sendable {
    var origin: String
    var scope: String
    var credential: RegistryCredential?
  }

  private struct Entry {
    var value: String
    var end: ContinuousClock.Instant?
  }

  private struct TokenAnswer: Decodable {
    var token: String?
    var access_token: String?
    var expires_in: Double?
  }

  private let client: OutboundClient
  private var entries: [Key: Entry] = [:]

  init(client: OutboundClient) { self.client = client }

  /// A value that still holds, or nil.
  func value(_ key: Key) -> String? {
    guard let entry = entries[key] else { return nil }
    if let end = entry.end, end <= .now {
      entries[key] = nil
      return nil
    }
    return entry.value
  }

  /// Answers the server's challenges, and remembers the answer. `refused` is what the server was shown, if anything; a
  /// value that came since, for another request, serves this one too. Throws `registry-auth-required`,
  /// `registry-auth-refused` and what the token server's connection throws.
  func obtain(
    _ key: Key, insteadOf refused: String?, challenges: [AuthChallenge], from server: OutboundURL
  ) async throws(Failure) -> String {
    if let known = value(key), known != refused { return known }
    entries[key] = nil
    if case .bearer(let token)? = key.credential { return remember("Bearer " + token, for: key, end: nil) }
    if let bearer = challenges.first(where: { $0.scheme == "bearer" && $0.parameters["realm"] != nil }) {
      return try await token(key, bearer, from: server)
    }
    guard challenges.contains(where: { $0.scheme == "basic" }) else {
      throw Failure(
        .unauthenticated, reason: "registry-auth-unknown",
        "registry '\(server.origin)' asks for a login of a kind that is not spoken here",
        hint: "it asks for: " + (challenges.isEmpty ? "nothing" : challenges.map(\.scheme).joined(separator: ", ")))
    }
    guard let basic = key.credential?.basic else {
      throw Failure(
        .unauthenticated, reason: "registry-auth-required", "registry '\(server.origin)' needs a name and a password",
        hint: "save credentials for '\(server.authority)'")
    }
    return remember(basic, for: key, end: nil)
  }

  private func remember(_ value: String, for key: Key, end: ContinuousClock.Instant?) -> String {
    if entries.count >= 1000 { entries = [:] }
    entries[key] = Entry(value: value, end: end)
    return value
  }

  private func token(_ key: Key, _ challenge: AuthChallenge, from server: OutboundURL) async throws(Failure) -> String {
    let realm = try server.resolving(challenge.parameters["realm"] ?? "")
    guard realm.scheme == "https" || server.scheme == "http" else {
      throw Failure(
        .permissionDenied, reason: "registry-token-plain",
        "registry '\(server.origin)' has its tokens made without TLS, at '\(realm.origin)'",
        hint: "ask the registry's owner to use https there")
    }
    var fields = [("service", challenge.parameters["service"] ?? ""), ("scope", key.scope)].filter { !$0.1.isEmpty }
    var request = OutboundRequest(url: realm, headers: [("Accept", "application/json")], redirects: .follow(limit: 3))
    request.ledBy = server
    if case .identityToken(let token)? = key.credential {
      fields += [("grant_type", "refresh_token"), ("client_id", "kindling"), ("refresh_token", token)]
      request.method = "POST"
      request.headers.append(("Content-Type", "application/x-www-form-urlencoded"))
      request.body = .bytes(Array(Self.form(fields).utf8))
      request.redirects = .none
    } else {
      let separator = realm.pathAndQuery.contains("?") ? "&" : "?"
      request.url = realm.with(pathAndQuery: realm.pathAndQuery + separator + Self.form(fields))
      if let basic = key.credential?.basic { request.headers.append(("Authorization", basic)) }
    }
    let answer = try await client.send(request)
    guard answer.status == 200 else {
      throw await Failure.registry(
        answer, what: "a token", host: server.authority, hasCredential: key.credential != nil)
    }
    let bytes = try await answer.bytes(limit: .mebibytes(1))
    guard let document = try? JSONDecoder().decode(TokenAnswer.self, from: Data(bytes)),
      let token = document.token ?? document.access_token, !token.isEmpty,
      token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
    else {
      throw Failure(
        .unavailable, reason: "registry-token-invalid", "'\(realm.origin)' did not answer with a token",
        hint: "try again later")
    }
    // A token is dropped a little before its end; 60 s is the specification's default life.
    let life = Duration.seconds(max(document.expires_in ?? 60, 15) - 10)
    return remember("Bearer " + token, for: key, end: .now + life)
  }

  /// `application/x-www-form-urlencoded`.
  private static func form(_ fields: [(String, String)]) -> String {
    fields.map { "\($0.0)=\(encoded($0.1))" }.joined(separator: "&")
  }

  static func encoded(_ text: String) -> String {
    let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/".utf8)
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      bytes += plain.contains(byte) ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
