import Foundation
import TestSupport
import Testing

/// Apps that run: deployed and called by the command line, and by host name as anybody would.
@Suite("kindling invoke") struct InvokeCommandTests {
  @Test("prints the body as it is and nothing else, and tells a status of 400 or more")
  func invoke() async throws {
    try await withServer { server, folder in
      try await Self.deploy("hello", server, ["--env", "VERSION=one"])
      let answered = try await server.kindling(["invoke", "hello", "-p", #"{"name": "world"}"#])
      #expect(answered.status == 0 && answered.output == #"{"name": "world"}"#, "\(answered.all)")
      #expect(answered.error.isEmpty, "\(answered.all)")
      try folder.write("from a file", to: "body")
      for words in [["--payload-file", folder.path("body")], ["-p", "@" + folder.path("body")]] {
        #expect(try await server.kindling(["invoke", "dev:hello"] + words).output == "from a file")
      }
      let read = try await server.kindling(["invoke", "hello", "--method", "GET"])
      #expect(read.status == 0 && read.output.contains("one"), "\(read.all)")
      let object = try await server.kindling(["invoke", "hello", "-p", "heard", "-o", "json"])
      let whole = try JSON(text: object.output)
      #expect(whole["statusCode"] == 200 && whole["body"] == "aGVhcmQ=", "\(object.all)")
      let head = try await server.kindling([
        "invoke", "hello", "--path", "/head?a=b", "--method", "PUT", "--header", "X-Mine: two words",
      ])
      #expect(head.output.hasPrefix("PUT /head?a=b HTTP/1.1\r\n"), "\(head.all)")
      #expect(head.output.lowercased().contains("x-mine: two words\r\n"), "\(head.all)")
      let failed = try await server.kindling(["invoke", "hello", "--path", "/status?code=503"])
      #expect(failed.status == 1 && failed.output.contains("as asked"), "\(failed.all)")
      #expect(failed.error.contains("HTTP status 503") && failed.error.contains("kindling app logs"), "\(failed.all)")
      let cut = try await server.kindling(["invoke", "hello", "--path", "/cut"])
      #expect(cut.status != 0 && !cut.error.isEmpty, "\(cut.all)")
      let state = try await server.kindling(["app", "state", "hello"])
      #expect(state.output.contains("ACTIVE") && state.output.contains("1 replica"), "\(state.all)")
      let tested = try await server.kindling(["version", "test", "hello", "1", "-p", "x"])
      #expect(tested.status == 0 && tested.output == "x", "\(tested.all)")
      _ = try await server.kindling(["invoke", "hello", "--path", "/print?text=heard", "--method", "GET"])
      let logs = try await server.kindling(["app", "logs", "hello"])
      #expect(logs.status == 0 && !logs.output.isEmpty, "\(logs.all)")
    }
  }

  @Test("a draft is called before it is published, and the address answers after")
  func draftAndHostName() async throws {
    try await withServer { server, _ in
      let reference = try await server.buildTestApp("image")
      try await server.kindling(["draft", "save", "hello", "--image-ref", reference]).expectSuccess()
      try await server.kindling(["draft", "compile", "hello", "--follow"]).expectSuccess()
      let tested = try await server.kindling(["draft", "test", "hello", "-p", "one"])
      #expect(tested.status == 0 && tested.output == "one", "\(tested.all)")
      let early = try await server.kindling(["invoke", "hello"])
      #expect(early.status == 1, "\(early.all)")
      try await server.kindling(["app", "update", "hello", "--allow-unauthenticated"]).expectSuccess()
      let url = try await server.kindling(["draft", "publish", "hello"]).lines.first ?? ""
      let called = try await Tool("curl").run(["-sS", "-d", "two", url])
      #expect(called.status == 0 && called.output == "two", "\(called.all)")
    }
  }

  @Test("an execution that nobody waited for is watched to its end, and shown after")
  func executions() async throws {
    try await withServer { server, _ in
      try await Self.deploy("hello", server, [])
      func call(_ request: String) async throws -> String {
        let answer = try await server.http(
          "POST", "/v1/ignite/app/dev/hello/invoke-async", body: request, token: server.token)
        return try #require(try JSON(text: answer.body)["executionId"].string, "\(answer)")
      }
      let good = try await call(#"{"body": "aGVhcmQ="}"#)
      let watched = try await server.kindling(["execution", "watch", good])
      #expect(watched.status == 0 && watched.output == "heard", "\(watched.all)")
      #expect(watched.error.hasSuffix("SUCCEEDED\n"), "\(watched.all)")
      let shown = try await server.kindling(["exec", "get", good])
      #expect(shown.output.contains("SUCCEEDED") && shown.output.hasSuffix("\nheard"), "\(shown.all)")
      let bad = try await call(#"{"http": {"path": "/cut"}}"#)
      let failed = try await server.kindling(["execution", "watch", bad])
      #expect(failed.status == 1 && failed.error.contains("FAILED"), "\(failed.all)")
      let theirs = try await server.kindling(["execution", "get", good, "--org-name", "acme"])
      #expect(theirs.status == 5, "\(theirs.all)")
    }
  }

  private static func deploy(_ name: String, _ server: ServerProcess, _ words: [String]) async throws {
    let reference = try await server.buildTestApp("image")
    try await server.kindling(["app", "deploy", name, "--image-ref", reference] + words).expectSuccess()
  }
}
