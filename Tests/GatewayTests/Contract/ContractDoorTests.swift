import Diagnostics
import HTTPTypes
import NIOCore
import Testing

@testable import Gateway

@Suite struct ContractDoorTests {
  @Test("a build is created, read, listed and followed over HTTP")
  func lifeOfABuild() async throws {
    let house = try await TestHouse()
    let token = try await house.token()
    let created = try await house.send(
      .post,
      "/v1/ignite/builds",
      token: token,
      body: #"{"name":"web","tags":["v1"],"zipped_code":"H4sIAAAAAAAAAwMAAAAAAAAAAAA"}"#
    )
    #expect(created.status == 200)
    #expect(created.json["status"] as? String == "BUILD_STATUS_PENDING")
    let id = try #require(created.json["buildId"] as? String)

    let log = try await house.send(.get, "/v1/ignite/builds/\(id)/logs/stream?from_start=true", token: token)
    #expect(log.headers[.contentType] == "application/x-ndjson")
    #expect(log.lines.first?.contains(#""line":"queued""#) == true)
    #expect(log.lines.contains { $0.contains("hello") })
    #expect(log.lines.allSatisfy { $0.contains(#""timestampMs":""#) && $0.hasSuffix("}") })
    #expect(log.lines.last?.contains("succeeded") == true)

    let read = try await house.send(.get, "/v1/ignite/builds/\(id)", token: token)
    let build = try #require(read.json["build"] as? [String: Any])
    #expect(build["status"] as? String == "BUILD_STATUS_SUCCEEDED")
    #expect(build["createdAtMs"] is String)
    #expect(build["noCache"] == nil)

    let listed = try await house.send(.get, "/v1/ignite/builds?status=SUCCEEDED&limit=1", token: token)
    #expect((listed.json["builds"] as? [Any])?.count == 1)
    #expect(try await house.send(.get, "/v1/ignite/builds?status=failed", token: token).json.isEmpty)
  }

  @Test("server-sent events are framed as such and end with an end")
  func eventStream() async throws {
    let house = try await TestHouse()
    let token = try await house.token()
    let id = try await house.build("web", token: token)
    let log = try await house.send(
      .get,
      "/v1/ignite/builds/\(id)/logs/stream?fromStart=1",
      token: token,
      headers: [.accept: "text/event-stream"]
    )
    #expect(log.headers[.contentType] == "text/event-stream")
    #expect(log.text.hasPrefix("id: 1\ndata: {"))
    #expect(log.text.hasSuffix("event: end\ndata: {}\n\n"))
  }

  @Test("a waiting build is cancelled with an empty body, and only once")
  func cancel() async throws {
    let house = try await TestHouse()
    let token = try await house.token()
    let id = try await house.build("waits", token: token)
    let cancelled = try await house.send(.post, "/v1/ignite/builds/\(id)/cancel", token: token)
    #expect(cancelled.json["status"] as? String == "BUILD_STATUS_CANCELLED")
    let again = try await house.send(.post, "/v1/ignite/builds/\(id)/cancel", token: token, body: "{}")
    #expect(again.status == 400)
    #expect(again.json["code"] as? Int == 9)
  }

  @Test("secrets are saved and never answered")
  func secrets() async throws {
    let house = try await TestHouse()
    let answer = try await house.send(
      .put,
      "/v1/ignite/builds/secrets",
      token: try await house.token(),
      body: #"{"buildSecrets":{"NPM_TOKEN":"s3cret"},"registryCredentials":{"https://index.docker.io/v1/":"dTpw"}}"#
    )
    #expect(answer.status == 200)
    #expect(answer.text == #"{"success":true}"#)
  }

  @Test(
    "a call that cannot be answered says why, in one shape",
    arguments: [
      (.get, "/v1/ignite/builds/bld_nope", "", 404, 5, "build-unknown"),
      (.post, "/v1/ignite/builds", "{", 400, 3, "json-broken"),
      (.post, "/v1/ignite/builds", #"{"name":"UPPER","contextId":"c"}"#, 400, 3, "name-invalid"),
      (.post, "/v1/ignite/builds", #"{"name":"a"}"#, 400, 3, "source-missing"),
      (.get, "/v1/ignite/builds?colour=red", "", 400, 3, "query-field-unknown"),
      (.get, "/v1/ignite/builds/bld_nope/logs/stream", "", 404, 5, "build-unknown"),
      (.get, "/v1/ignite/buildz", "", 404, 5, "rpc-unknown"),
      (.delete, "/v1/ignite/builds/bld_nope", "", 405, 12, "method-not-allowed"),
    ] as [(HTTPRequest.Method, String, String, Int, Int, String)]
  )
  func failures(
    method: HTTPRequest.Method,
    path: String,
    body: String,
    status: Int,
    code: Int,
    reason: String
  ) async throws {
    let house = try await TestHouse()
    let answer = try await house.send(method, path, token: try await house.token(), body: body)
    #expect(answer.status == status)
    #expect(answer.json["code"] as? Int == code)
    let details = try #require(answer.json["details"] as? [[String: Any]])
    #expect(details.first?["@type"] as? String == "type.googleapis.com/google.rpc.ErrorInfo")
    #expect(details.first?["reason"] as? String == reason)
    let hint = (details.first?["metadata"] as? [String: String])?["hint"]
    #expect((answer.json["message"] as? String)?.contains(hint ?? "no hint") == true)
    #expect(answer.headers[.contentType] == "application/json")
    #expect(answer.headers[.kindlingVersion] == "9.9.9")
    #expect(answer.headers[.requestID]?.isEmpty == false)
    if status == 405 { #expect(answer.headers[.allow] == "GET, HEAD") }
  }

  @Test("a call without a token, or with a damaged one, is UNAUTHENTICATED", arguments: [nil, "x.y.z"] as [String?])
  func unauthenticated(token: String?) async throws {
    let house = try await TestHouse()
    let answer = try await house.send(.get, "/v1/ignite/builds", token: token)
    #expect(answer.status == 401)
    #expect(answer.json["code"] as? Int == 16)
    #expect(answer.headers[.wwwAuthenticate] == "Bearer")
  }

  @Test("another organisation's build does not exist")
  func foreignBuild() async throws {
    let house = try await TestHouse()
    let id = try await house.build("web", token: try await house.token())
    let answer = try await house.send(.get, "/v1/ignite/builds/\(id)", token: try await house.token("acme"))
    #expect(answer.status == 404)
    #expect((answer.json["message"] as? String)?.contains("'acme'") == true)
  }

  @Test("a body beyond 8 MiB is refused with the way that takes it")
  func largeBody() async throws {
    let house = try await TestHouse()
    let answer = try await house.send(
      .post,
      "/v1/ignite/builds",
      token: try await house.token(),
      bytes: ByteBuffer(repeating: 0x20, count: ContractRoute.bodyLimit + 1)
    )
    #expect(answer.status == 400)
    #expect(answer.json["code"] as? Int == 3)
    #expect(answer.text.contains("UploadBuildContext"))
  }
}
