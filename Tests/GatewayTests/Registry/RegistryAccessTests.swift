import Foundation
import HTTPTypes
import OCI
import Testing

@testable import Gateway

@Suite struct RegistryAccessTests {
  @Test("without the need to log in, anybody on this machine pulls and pushes for every organisation")
  func anonymous() async throws {
    let house = try await TestHouse()
    for organization in ["dev", "acme"] {
      #expect(try await house.send(.post, "/v2/\(organization)/app/blobs/uploads/").status == 202)
    }
  }

  @Test("whoever shows a token touches only his own organisation")
  func bound() async throws {
    let house = try await Self.houseWithImage()
    let acme = try await house.token("acme")
    #expect(try await house.send(.post, "/v2/acme/app/blobs/uploads/", token: acme).status == 202)
    let push = try await house.send(.post, "/v2/dev/app/blobs/uploads/", token: acme)
    #expect(push.status == 403)
    #expect(push.text.contains("DENIED"))
    for path in ["/v2/dev/app/manifests/v1", "/v2/dev/nothing/manifests/v1", "/v2/dev/app/tags/list"] {
      let read = try await house.send(.get, path, token: acme)
      #expect(read.status == 404)
      #expect(read.text.contains("NAME_UNKNOWN"))
    }
    #expect(try await house.send(.get, "/v2/_catalog", token: acme).json["repositories"] as? [String] == [])
    #expect(try await house.send(.delete, "/v2/dev/app/manifests/v1", token: acme).status == 403)
    let mounted = try await house.send(
      .post,
      "/v2/acme/app/blobs/uploads/?mount=\(RegistryDoorTests.configDigest)&from=dev/app",
      token: acme
    )
    #expect(mounted.status == 202)
  }

  @Test("where a login is needed, the challenge leads to a token")
  func challenge() async throws {
    let house = try await TestHouse(registryAuth: true)
    let refused = try await house.send(.put, "/v2/dev/app/manifests/v1", body: "{}")
    #expect(refused.status == 401)
    #expect(refused.text.contains("UNAUTHORIZED"))
    #expect(
      refused.headers[.wwwAuthenticate]
        == #"Bearer realm="http://localhost:4480/v2/token",service="localhost:4480",scope="repository:dev/app:pull,push""#
    )
    let basic = Data("anyone:\(try await house.token())".utf8).base64EncodedString()
    let granted = try await house.send(
      .get,
      "/v2/token?service=localhost&scope=repository:dev/app:pull",
      headers: [.authorization: "Basic \(basic)"]
    )
    #expect(granted.status == 200)
    let token = try #require(granted.json["token"] as? String)
    #expect(granted.json["expires_in"] as? Int == 3600)
    #expect(try await house.send(.get, "/v2/", token: token).status == 200)
    #expect(try await house.send(.get, "/v2/", headers: [.authorization: "basic \(basic)"]).status == 200)
  }

  @Test(
    "credentials that are none are refused",
    arguments: ["Basic !!!", "Basic \(Data("a:b".utf8).base64EncodedString())", "Bearer x", "x"]
  )
  func wrongCredentials(header: String) async throws {
    let house = try await TestHouse()
    for path in ["/v2/", "/v2/token"] {
      let answer = try await house.send(.get, path, headers: [.authorization: header])
      #expect(answer.status == 401)
      #expect(answer.headers[.wwwAuthenticate]?.hasPrefix("Bearer realm=") == true)
    }
  }

  @Test("a token is given for a token only")
  func tokenWithoutCredentials() async throws {
    #expect(try await TestHouse().send(.get, "/v2/token").status == 401)
  }

  private static func houseWithImage() async throws -> TestHouse {
    let house = try await RegistryDoorTests.houseWithConfig()
    let pushed = try await house.send(
      .put,
      "/v2/dev/app/manifests/v1",
      headers: RegistryDoorTests.manifestHeaders,
      body: RegistryDoorTests.manifest()
    )
    #expect(pushed.status == 201)
    return house
  }
}
