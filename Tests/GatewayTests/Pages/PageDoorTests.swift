import HTTPTypes
import Testing

@testable import Gateway

@Suite struct PageDoorTests {
  @Test("the page's own paths are the page", arguments: ["/", "/builds", "/builds/bld_1", "/builds?status=failed"])
  func page(path: String) async throws {
    let answer = try await TestHouse().send(.get, path)
    #expect(answer.status == 200)
    #expect(answer.headers[.contentType] == "text/html; charset=utf-8")
    #expect(answer.headers[.contentSecurityPolicy]?.hasPrefix("default-src 'self'") == true)
    #expect(answer.headers[.xContentTypeOptions] == "nosniff")
    #expect(answer.headers[.referrerPolicy] == "same-origin")
    #expect(answer.text.contains("<html"))
  }

  @Test("a known file is not sent again")
  func notModified() async throws {
    let house = try await TestHouse()
    let first = try await house.send(.get, "/app.js")
    let tag = try #require(first.headers[.eTag])
    #expect(first.headers[.contentType]?.hasPrefix("text/javascript") == true)
    let second = try await house.send(.get, "/app.js", headers: [.ifNoneMatch: "\"other\", W/\(tag)"])
    #expect(second.status == 304)
    #expect(second.text.isEmpty)
    #expect(second.headers[.eTag] == tag)
  }

  @Test("a HEAD has the length and no body")
  func head() async throws {
    let house = try await TestHouse()
    let get = try await house.send(.get, "/app.js")
    let head = try await house.send(.head, "/app.js")
    #expect(head.status == 200)
    #expect(head.text.isEmpty)
    #expect(head.headers[.contentLength] == get.headers[.contentLength])
  }

  @Test("an unknown path lists the doors", arguments: ["/nothing", "/../etc/passwd", "/v3/", "/v20/x"])
  func unknown(path: String) async throws {
    let answer = try await TestHouse().send(.get, path)
    #expect(answer.status == 404)
    #expect(answer.text.contains("/v1/ignite/") && answer.text.contains("/v2/"))
  }

  @Test("a file cannot be posted to")
  func post() async throws {
    let answer = try await TestHouse().send(.post, "/app.js")
    #expect(answer.status == 405)
    #expect(answer.headers[.allow] == "GET, HEAD")
  }
}
