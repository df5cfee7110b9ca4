import Diagnostics
import Foundation
import HTTPTypes
import Testing

@testable import Gateway

@Suite("The queue's door")
struct QueueDoorTests {
  private let path = "/_kindling/queue"

  @Test("shows an organisation its own builds with place and reason, and of others only how many they are")
  func view() async throws {
    let house = try await TestHouse()
    let (mine, theirs) = (try await house.token(), try await house.token("acme"))
    _ = try await house.build("waits-secret", token: theirs)
    _ = try await house.build("waits-own", token: mine)
    let first = try await house.build("waits-third", token: theirs)
    let last = try await house.build("waits-fourth", token: mine)
    let answer = try await house.send(.get, path, token: mine)
    #expect(answer.status == 200 && !answer.text.contains("secret") && !answer.text.contains("acme"), "\(answer.text)")
    #expect(answer.json["workers"] as? Int == 2 && answer.json["running"] as? Int == 2)
    #expect(answer.json["waiting"] as? Int == 2 && answer.json["ownWaiting"] as? Int == 1)
    let builds = try #require(answer.json["builds"] as? [[String: Any]])
    #expect(builds.map { $0["name"] as? String } == ["waits-own", "waits-fourth"])
    #expect(builds.map { $0["status"] as? String } == ["BUILD_STATUS_RUNNING", "BUILD_STATUS_PENDING"])
    #expect(builds.map { $0["position"] as? Int } == [nil, 2])
    let one = try await house.send(.get, path + "?build=\(last)", token: mine)
    #expect(one.json["reason"] as? String == "waiting behind 1 build (2 of 2 busy)", "\(one.text)")
    #expect(try await house.send(.get, path + "?build=\(first)", token: mine).status == 404)
    #expect(try await house.send(.get, path).status == 401)
  }

  @Test("pauses, resumes and sizes, and says what it is then")
  func change() async throws {
    let house = try await TestHouse()
    let token = try await house.token("acme")
    let paused = try await house.send(.put, path, token: token, body: #"{"paused":true,"workers":5}"#)
    #expect(paused.status == 200 && paused.json["paused"] as? Bool == true && paused.json["workers"] as? Int == 5)
    let id = try await house.build("web", token: token)
    let waiting = try await house.send(.get, path + "?build=\(id)", token: token)
    #expect((waiting.json["reason"] as? String)?.hasPrefix("waiting: the queue is paused since 20") == true)
    let resumed = try await house.send(.put, path, token: token, body: #"{"paused":false}"#)
    #expect(resumed.json["paused"] as? Bool == false && resumed.json["workers"] as? Int == 5)
    let log = try await house.send(.get, "/v1/ignite/builds/\(id)/logs/stream?from_start", token: token)
    #expect(log.text.contains("paused since") && log.text.contains("succeeded in"), "\(log.text)")
  }

  @Test(
    "changes nothing by what it does not understand",
    arguments: ["", "{}", "[]", #"{"worker":3}"#, #"{"workers":"3"}"#, #"{"workers":0}"#, #"{"workers":65}"#, "null"])
  func nonsense(body: String) async throws {
    let house = try await TestHouse()
    let answer = try await house.send(.put, path, token: try await house.token(), body: body)
    #expect(
      answer.status == 400 && answer.text.contains("hint") || answer.text.contains("workers-invalid"), "\(answer.text)")
    #expect(try await house.send(.get, path, token: try await house.token()).json["workers"] as? Int == 2)
    #expect(try await house.send(.delete, path, token: try await house.token()).status == 405)
  }

  @Test("lets only the default organisation change a queue that others share, and no page of another origin any")
  func rights() async throws {
    let house = try await TestHouse(isShared: true)
    let (owner, guest) = (try await house.token(), try await house.token("acme"))
    let refused = try await house.send(.put, path, token: guest, body: #"{"paused":true}"#)
    #expect(refused.status == 403 && refused.text.contains("queue-not-yours"))
    #expect(try await house.send(.get, path, token: guest).json["paused"] as? Bool == false)
    #expect(try await house.send(.put, path, token: owner, body: #"{"paused":true}"#).status == 200)
    let foreign = try await house.send(
      .put, path, token: owner, headers: [.origin: "http://evil.example"], body: #"{"paused":false}"#)
    #expect(foreign.status == 403)
    #expect(try await house.send(.get, path, token: guest).json["paused"] as? Bool == true)
  }

  @Test("where builds are impossible CreateBuild is UNAVAILABLE with the cause, and reading goes on")
  func unavailable() async throws {
    let obstacle = Failure(.unavailable, reason: "builds-unavailable", "no namespaces here", hint: "allow them")
    let house = try await TestHouse(obstacle: obstacle)
    let token = try await house.token()
    let body = #"{"name":"web","zippedCode":"H4sIAAAAAAAAAwMAAAAAAAAAAAA="}"#
    let answer = try await house.send(.post, "/v1/ignite/builds", token: token, body: body)
    #expect(answer.status == 503 && answer.json["code"] as? Int == 14)
    #expect(answer.text.contains("no namespaces here") && answer.text.contains("allow them"))
    #expect(try await house.send(.get, "/v1/ignite/builds", token: token).text == "{}")
    #expect(try await house.send(.post, "/v1/ignite/builds", body: body).status == 401)
  }
}
