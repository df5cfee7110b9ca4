import Diagnostics
import Foundation
import Storage
import Testing

@testable import Service

@Suite("Identity")
struct IdentityTests {
  private func service(_ mode: AuthenticationMode, key: [UInt8] = [UInt8](repeating: 1, count: 32)) async throws
    -> IdentityService
  {
    try IdentityService(mode: mode, mint: await TokenMint(key: key))
  }

  /// A token as another issuer would write it, its signature worth nothing here.
  private func token(_ payload: String) -> String {
    [#"{"alg":"HS256","typ":"JWT"}"#, payload, "signature"].map { part in
      Data(part.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }.joined(separator: ".")
  }

  private func reason(_ service: IdentityService, _ authorization: String?) async throws -> String {
    let failure = try #require(
      await #expect(throws: Failure.self) { _ = try await service.identity(authorization: authorization) })
    #expect(failure.code == .unauthenticated)
    return failure.reason
  }

  @Test("comes from a token this server minted")
  func minted() async throws {
    let service = try await service(.tokens)
    let token = try await service.mintToken(for: OrganizationName("acme"))
    #expect(try await service.identity(authorization: "Bearer \(token)").organization.name == "acme")
    #expect(try await service.identity(authorization: "bearer  \(token) ").organization.name == "acme")
    #expect(try await service.identity(token: token).organization.name == "acme")
  }

  @Test("does not come from anything else")
  func refused() async throws {
    let service = try await service(.tokens)
    let own = try await service.mintToken(for: OrganizationName("acme"))
    let expired = try await service.mintToken(for: OrganizationName("acme"), lifetime: .seconds(-1))
    let foreign = try await self.service(.tokens, key: [UInt8](repeating: 9, count: 32)).mintToken(
      for: OrganizationName("acme"))
    let unsigned = token(#"{"organization":{"acme":{}}}"#)
    #expect(try await reason(service, nil) == "token-missing")
    #expect(try await reason(service, "") == "token-invalid")
    #expect(try await reason(service, own) == "token-invalid")
    #expect(try await reason(service, "Basic \(own)") == "token-invalid")
    #expect(try await reason(service, "Bearer \(own)x") == "token-invalid")
    #expect(try await reason(service, "Bearer nonsense") == "token-invalid")
    #expect(try await reason(service, "Bearer \(foreign)") == "token-invalid")
    #expect(try await reason(service, "Bearer \(unsigned)") == "token-invalid")
    #expect(try await reason(service, "Bearer \(expired)") == "token-expired")
  }

  @Test(
    "is what claims say where claims are believed",
    arguments: [
      (#"{"organization":{"zeta":{"id":"1"},"alpha":{"id":"2"}}}"#, "zeta"),
      (#"{"organization":{"alpha":{},"zeta":{}}}"#, "alpha"), (#"{"org_name":"named"}"#, "named"),
      (#"{"organization":{},"org_name":"named"}"#, "named"), (#"{"org_name":"named","exp":4102444800}"#, "named"),
    ])
  func claims(payload: String, organization: String) async throws {
    let identity = try await service(.claims).identity(authorization: "Bearer \(token(payload))")
    #expect(identity.organization.name == organization)
  }

  @Test(
    "is refused where claims do not say it",
    arguments: [
      (#"{}"#, "token-without-organization"), (#"{"sub":"x"}"#, "token-without-organization"),
      (#"{"org_name":"named","exp":1}"#, "token-expired"), ("no json", "token-invalid"),
    ])
  func badClaims(payload: String, reason: String) async throws {
    #expect(try await self.reason(try await service(.claims), "Bearer \(token(payload))") == reason)
  }

  @Test("is the default organisation, whatever is sent, when nobody is asked")
  func off() async throws {
    let service = try await service(.off)
    #expect(try await service.identity(authorization: nil).organization.name == "dev")
    #expect(try await service.identity(authorization: "Bearer nonsense").organization.name == "dev")
  }

  @Test("is of the organisation a header names where nobody is asked, and only there")
  func header() async throws {
    let off = try await service(.off)
    #expect(try await off.identity(authorization: nil, organization: "acme").organization.name == "acme")
    #expect(try await off.identity(authorization: "Bearer x", organization: "").organization.name == "dev")
    let failure = await #expect(throws: Failure.self) {
      try await off.identity(authorization: nil, organization: "A C")
    }
    #expect(failure?.reason == "organization-invalid")
    let tokens = try await service(.tokens)
    let token = try await tokens.mintToken(for: OrganizationName("dev"))
    #expect(
      try await tokens.identity(authorization: "Bearer \(token)", organization: "acme").organization.name == "dev")
  }

  @Test(
    "is restricted to the scopes of ours that its token names",
    arguments: [
      (#"{"org_name":"a"}"#, nil), (#"{"org_name":"a","scope":"openid profile email"}"#, nil),
      (#"{"org_name":"a","scope":"openid GetBuild CreateBuild"}"#, [.getBuild, .createBuild]),
      (#"{"org_name":"a","scopes":["GetBuild"]}"#, [.getBuild]),
      (#"{"org_name":"a","scopes":"GetBuild"}"#, [.getBuild]),
      (#"{"org_name":"a","scope":["GetBuild"],"scopes":["ListApps"]}"#, [.getBuild, .listApps]),
      (#"{"org_name":"a","scope":"getbuild"}"#, nil), (#"{"org_name":"a","scope":7,"scopes":null}"#, nil),
    ] as [(String, Set<Scope>?)])
  func scopes(payload: String, scopes: Set<Scope>?) async throws {
    let identity = try await service(.claims).identity(token: token(payload))
    #expect(identity.scopes == scopes)
    for scope in Scope.allCases {
      do throws(Failure) {
        try identity.require(scope)
        #expect(scopes?.contains(scope) != false)
      } catch {
        #expect(error.code == .permissionDenied && error.message.contains("'\(scope.rawValue)'"))
        #expect(scopes?.contains(scope) == false)
      }
    }
  }

  @Test("keeps its scopes when a token is made from it")
  func remade() async throws {
    let service = try await service(.tokens)
    let caller = Identity(organization: try OrganizationName("acme"), subject: "ci", scopes: [.getBuild, .listBuilds])
    let token = try await service.mintToken(for: caller, lifetime: .seconds(60)).token
    var made = try await service.identity(token: token)
    let end = try #require(made.expiresAt)
    made.expiresAt = nil
    #expect(made == caller)
    // What is made of it in turn ends with it.
    let child = try await service.mintToken(
      for: Identity(organization: made.organization, subject: "ci", expiresAt: end), lifetime: .seconds(3600))
    #expect(child.lifetime <= .seconds(60))
    #expect(try #require(try await service.identity(token: child.token).expiresAt) <= end)
  }
}
