import API
import ArgumentParser
import Diagnostics
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import kindling

@Suite("Words about apps") struct AppWordsTests {
  @Test(
    "an app is named alone, or with its organisation in either spelling",
    arguments: [
      ("hello", nil, "hello"), ("acme:hello", "acme", "hello"), ("acme/hello.v2", "acme", "hello.v2"),
    ] as [(String, String?, String)])
  func ids(text: String, organization: String?, name: String) throws {
    let found = try AppReference(text)
    #expect(found.organization?.name == organization && found.name.name == name)
  }

  @Test(
    "what is no app's id is refused with how to write one",
    arguments: ["", "a:b:c", "Hello", "acme:", ":hello", "acme/he llo", "-x"])
  func refusedIDs(text: String) {
    let failure = #expect(throws: Failure.self) { try AppReference(text) }
    #expect(failure?.code == .invalidArgument && failure?.hint != nil)
  }

  @Test("a call has a path with its query, lower-case headers, and JSON for a body unless it says otherwise")
  func calls() throws {
    let call = try CallOptions.parse([
      "-p", "{}", "--path", "/a/b?c=d&e=f?", "--method", "put", "--header", "X-One: two: three",
    ])
    #expect(call.http.method == "PUT" && call.http.path == "/a/b" && call.http.query == "c=d&e=f?")
    #expect(call.http.headers == ["x-one": "two: three", "content-type": "application/json"])
    #expect(try call.body() == Data("{}".utf8))
    let plain = try CallOptions.parse(["-p", "x", "--header", "Content-Type:text/plain"])
    #expect(plain.http.headers == ["content-type": "text/plain"])
    let bare = try CallOptions.parse([])
    #expect(bare.http.headers.isEmpty && bare.http.method == "POST" && bare.http.path == "/")
    #expect(try bare.body().isEmpty)
    #expect(throws: (any Error).self) { try CallOptions.parse(["-p", "x", "--payload-file", "y"]) }
    #expect(throws: (any Error).self) { try CallOptions.parse(["--header", "none"]) }
    let gone = #expect(throws: Failure.self) { try CallOptions.parse(["--payload-file", "/nowhere/x"]).body() }
    #expect(gone?.reason == "payload-unreadable")
  }

  @Test(
    "code comes from exactly one place, and nothing is said about another",
    arguments: [
      [], ["--code", ".", "--image-ref", "x"], ["--code", ".", "--git-ref", "v1"],
      ["--image-ref", "x", "--build-arg", "A=b"],
      ["--image-ref", "x", "--dockerfile-path", "D"], ["--code", ".", "--registry-secret-ref", "s"],
      ["--code", ".", "--build-arg", "=x"], ["--image-ref", "x", "--git-secret-ref", "s"],
    ])
  func sources(words: [String]) {
    #expect(throws: (any Error).self) { try CodeOptions.parse(words) }
  }

  @Test("a change carries what was given and nothing else")
  func changes() throws {
    let app = AppTarget(
      access: ServerAccess(endpoint: Endpoint(host: "127.0.0.1", port: 1)), organization: "dev", name: "hello")
    let none = try AppOptions.parse([])
    #expect(none.isEmpty && none.warning == nil && !none.change(of: app).hasAllowUnauthenticated)
    let some = try AppOptions.parse([
      "--tier", "large", "--env", "A=b=c", "--no-allow-unauthenticated", "--reserved", "1", "--port", "9000",
      "--runtime", "python",
    ])
    #expect(!some.isEmpty && some.warning?.contains("--runtime") == true)
    let change = some.change(of: app)
    #expect(change.organizationName == "dev" && change.appName == "hello" && change.resourceTier == .large)
    #expect(change.env == ["A": "b=c"] && change.ports == [9000] && change.scaling.reservedCapacity == 1)
    #expect(
      change.hasAllowUnauthenticated && !change.allowUnauthenticated && !change.hasHealthPath && !change.hasLimits)
    #expect(some.creation(of: app).name == "hello")
    #expect(some.warning?.contains("--ttl") == false)
    let kept = try AppOptions.parse(["--storage-mode", "ephemeral", "--description", "says hello"])
    #expect(kept.creation(of: app).storageMode == .ephemeral && kept.warning == nil)
    #expect(throws: (any Error).self) { try AppOptions.parse(["--health-path", "healthz"]) }
    #expect(throws: (any Error).self) { try AppUpdateCommand.parse(["hello", "--storage-mode", "ttl"]) }
    let ignored = AppOptions.ignored([("--runtime", nil), ("--rust-target", "wasm")])
    #expect(ignored == "--rust-target: not emulated, as apps here run images; it is ignored")
  }

  @Test("code is a directory without what is never sent, or an archive below 4 MiB")
  func archives() async throws {
    try await withTemporaryFolder { folder in
      try folder.write("x", to: "app/main.py")
      try folder.write("y", to: "app/node_modules/z")
      let packed = try await CodeArchive(path: FilePath(folder.path("app")), app: "hello").bytes(dockerfile: nil)
      try packed.write(to: URL(fileURLWithPath: folder.path("packed.tgz")))
      let listed = try await Tool("tar").run(["-tzf", folder.path("packed.tgz")])
      #expect(listed.output.contains("main.py") && !listed.output.contains("node_modules"), "\(listed.all)")
      let read = try await CodeArchive(path: FilePath(folder.path("packed.tgz")), app: "hello").bytes(dockerfile: nil)
      #expect(read == packed)
      var random = SystemRandomNumberGenerator()
      let large = (0..<(5 << 17)).map { _ in random.next() }
      try large.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: folder.path("app/large"))) }
      for (name, reason) in [
        ("app", "code-too-large"), ("nothing", "code-missing"), ("app/main.py", "code-not-an-image"),
      ] {
        let archive = CodeArchive(path: FilePath(folder.path(name)), app: "hello")
        let failure = await #expect(throws: Failure.self) { try await archive.bytes(dockerfile: nil) }
        #expect(failure?.reason == reason)
        guard reason == "code-too-large" else { continue }
        #expect(failure?.hint?.contains("kindling app deploy hello --image-ref \"$(kindling build") == true)
      }
    }
  }
}
