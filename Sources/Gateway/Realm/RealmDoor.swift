import Diagnostics
import FoundationEssentials
import HTTPTypes
import HummingbirdCore
import Service
import Storage

/// `/realms/NAME/…`: Keycloak's token endpoint, as the platform's SDK and samples log in (contract §3.1), so that they
/// need no change but the address. Every realm's name is one realm.
///
/// On this machine every client and secret is believed. Elsewhere a secret is a token of this server, and what it buys
/// is no more than it was: a server that others reach makes no token for strangers.
struct RealmDoor: Sendable {
  /// Keycloak's default, and what the platform was seen with: clients have to fetch a new one, as they will there.
  static let lifetime: Duration = .seconds(300)
  private static let path = "protocol/openid-connect"

  let identities: IdentityService
  let local: LocalCallers

  func respond(to call: Call) async -> Response {
    let components = call.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2).map(String.init)
    guard let realm = components.first, Self.isName(realm) else { return unknown(call) }
    switch components.dropFirst().joined(separator: "/") {
    case Self.path + "/token":
      guard call.method == .post else { return .methodNotAllowed(call, allowed: [.post]) }
      do throws(TokenRefusal) { return try await token(for: call, realm) } catch { return .refused(error) }
    case ".well-known/openid-configuration":
      guard call.isReading else { return .methodNotAllowed(call, allowed: [.get]) }
      return .json(Configuration(issuer: Self.issuer(call, realm)))
    case Self.path + "/certs":
      guard call.isReading else { return .methodNotAllowed(call, allowed: [.get]) }
      // Tokens are signed with a key that only the server has (HS256), so there is none to publish.
      return .json(["keys": [String]()])
    default: return unknown(call)
    }
  }

  // MARK: - Token

  private struct Answer: Encodable {
    enum CodingKeys: String, CodingKey {
      case access_token, expires_in, refresh_expires_in, token_type, scope
      case notBefore = "not-before-policy"
    }
    var access_token: String
    var expires_in: Int64
    /// Client credentials come without a refresh token (RFC 6749 §4.4.3).
    var refresh_expires_in = 0
    var token_type = "Bearer"
    var notBefore = 0
    var scope: String
  }

  private func token(for call: Call, _ realm: String) async throws(TokenRefusal) -> Response {
    let request = try await TokenRequest(call)
    let caller = try await client(request, call)
    let minted: (token: String, lifetime: Duration)
    do throws(Failure) {
      minted = try await identities.mintToken(
        for: caller, issuer: Self.issuer(call, realm), lifetime: Self.lifetime)
    } catch { throw TokenRefusal(.serverError, error.oneLine) }
    let words = request.standardScopes + (caller.scopes?.sorted().map(\.rawValue) ?? [])
    return .json(
      Answer(
        access_token: minted.token, expires_in: minted.lifetime.components.seconds,
        scope: words.joined(separator: " ")))
  }

  /// Who the client is and what it may do: what it asks for here, and never more than its token elsewhere.
  private func client(_ request: TokenRequest, _ call: Call) async throws(TokenRefusal) -> Identity {
    let subject = "service-account-\(request.clientID)"
    guard !local.includes(call) else {
      let organization = try organization(of: request) ?? identities.defaultOrganization
      return Identity(organization: organization, subject: subject, scopes: request.scopes)
    }
    let holder: Identity
    do throws(Failure) { holder = try await identities.verified(request.secret) } catch {
      throw TokenRefusal(
        .invalidClient,
        "only programs of the server's own machine may use any client_secret; send one that 'kindling token' printed")
    }
    if let asked = try organization(of: request), asked != holder.organization {
      throw TokenRefusal(
        .invalidClient, "client_secret is a token of organisation '\(holder.organization)', not of '\(asked)'")
    }
    if let wanted = request.scopes, let own = holder.scopes, !wanted.isSubset(of: own) {
      throw TokenRefusal(.invalidScope, "client_secret is a token that is restricted to \(own.words)")
    }
    return Identity(
      organization: holder.organization, subject: subject, scopes: request.scopes ?? holder.scopes,
      expiresAt: holder.expiresAt)
  }

  /// `ORGANISATION/NAME` names one, a plain client does not. No colon: HTTP's Basic scheme ends the name at it.
  private func organization(of request: TokenRequest) throws(TokenRefusal) -> OrganizationName? {
    guard let slash = request.clientID.firstIndex(of: "/") else { return nil }
    do throws(Failure) { return try OrganizationName(String(request.clientID[..<slash])) } catch {
      throw TokenRefusal(.invalidClient, "client_id is ORGANISATION/NAME, and \(error.oneLine)")
    }
  }

  // MARK: - Discovery

  /// What OpenID Connect Discovery 1.0 §3 wants and this server has.
  private struct Configuration: Encodable {
    var issuer: String
    var token_endpoint: String
    var jwks_uri: String
    var grant_types_supported = ["client_credentials"]
    var token_endpoint_auth_methods_supported = ["client_secret_basic", "client_secret_post"]
    var id_token_signing_alg_values_supported = ["HS256"]
    var response_types_supported = [String]()
    var subject_types_supported = ["public"]
    var scopes_supported = TokenRequest.standard + Scope.allCases.sorted().map(\.rawValue)

    init(issuer: String) {
      self.issuer = issuer
      token_endpoint = "\(issuer)/\(RealmDoor.path)/token"
      jwks_uri = "\(issuer)/\(RealmDoor.path)/certs"
    }
  }

  private static func issuer(_ call: Call, _ realm: String) -> String { "http://\(call.host)/realms/\(realm)" }

  private static func isName(_ realm: String) -> Bool {
    (1...64).contains(realm.utf8.count)
      && realm.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
        default: false
        }
      }
  }

  private func unknown(_ call: Call) -> Response {
    .failure(
      Failure(
        .notFound, reason: "realm-path-unknown", "nothing answers on '\(call.path.prefix(500))'",
        hint:
          "there are \(Self.path)/token, \(Self.path)/certs and .well-known/openid-configuration below /realms/NAME/"
      ))
  }
}
