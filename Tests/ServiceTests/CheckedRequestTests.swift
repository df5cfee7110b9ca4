import Diagnostics
import OCI
import Testing

@testable import Service

@Suite("A CreateBuild request")
struct CheckedRequestTests {
  static func request(_ change: (inout BuildRequest) -> Void) -> BuildRequest {
    var request = BuildRequest()
    request.name = "app"
    change(&request)
    return request
  }

  @Test("has defaults")
  func defaults() throws {
    let checked = try CheckedRequest(Self.request { _ in })
    #expect(checked.name == "app")
    #expect(checked.dockerfile == "Dockerfile")
    #expect(checked.tags == [.latest])
    #expect(checked.platform == .host)
  }

  @Test(
    "takes names of one repository component",
    arguments: ["a", "app-1", "my_app", "my__app", "a.b", "0", String(repeating: "n", count: 128)])
  func names(name: String) throws { #expect(try CheckedRequest(Self.request { $0.name = name }).name == name) }

  @Test(
    "refuses other names",
    arguments: [
      "", "A", "a b", "a/b", "-a", "a-", "a..b", "ü", ".", "..", "a\0", "a\n", String(repeating: "n", count: 129),
    ])
  func badNames(name: String) {
    #expect(throws: Failure.self) { try CheckedRequest(Self.request { $0.name = name }) }
  }

  @Test(
    "takes paths of Dockerfiles inside the context",
    arguments: [
      ("", "Dockerfile"), ("a/b/Dockerfile.prod", "a/b/Dockerfile.prod"), ("./Dockerfile", "Dockerfile"),
      ("a//./b", "a/b"), ("..hidden", "..hidden"),
    ])
  func dockerfiles(path: String, cleaned: String) throws {
    #expect(try CheckedRequest(Self.request { $0.dockerfile = path }).dockerfile == cleaned)
  }

  @Test(
    "refuses other paths",
    arguments: ["/etc/passwd", "..", "../x", "a/../b", "a\0b", String(repeating: "p", count: 4097)])
  func badDockerfiles(path: String) throws {
    let failure = try #require(throws: Failure.self) { try CheckedRequest(Self.request { $0.dockerfile = path }) }
    #expect(failure.reason == "dockerfile-path-invalid")
  }

  @Test("takes tags once each, in order")
  func tags() throws {
    let checked = try CheckedRequest(Self.request { $0.tags = ["b", "a", "b", "_1.x-Y"] })
    #expect(checked.tags.map(\.name) == ["b", "a", "_1.x-Y"])
  }

  @Test(
    "refuses other tags", arguments: ["", "-a", ".a", "a b", "a:b", "a/b", "ü", String(repeating: "t", count: 129)])
  func badTags(tag: String) {
    #expect(throws: Failure.self) { try CheckedRequest(Self.request { $0.tags = ["ok", tag] }) }
  }

  @Test("takes the machine's platform and no other")
  func platforms() throws {
    #expect(try CheckedRequest(Self.request { $0.platform = Platform.host.description }).platform == .host)
    for (text, reason) in [
      ("linux/s390x", "platform-unsupported"), ("windows/amd64", "platform-unsupported"), ("linux", "platform-invalid"),
      ("a/b/c/d", "platform-invalid"), ("/", "platform-invalid"),
    ] {
      let failure = try #require(throws: Failure.self) { try CheckedRequest(Self.request { $0.platform = text }) }
      #expect(failure.reason == reason, "\(text)")
    }
  }

  @Test("refuses names of build arguments that no environment could hold", arguments: ["", "A=B", "A\0"])
  func badArguments(name: String) throws {
    let failure = try #require(throws: Failure.self) {
      try CheckedRequest(Self.request { $0.buildArgs = [name: "x", "FINE": "y"] })
    }
    #expect(failure.reason == "build-arg-invalid")
  }

  @Test("refuses a value no environment could hold, and does not repeat it")
  func badValue() throws {
    let failure = try #require(throws: Failure.self) {
      try CheckedRequest(Self.request { $0.buildArgs = ["TOKEN": "secret\0x"] })
    }
    #expect(failure.reason == "build-arg-invalid" && !failure.description.contains("secret"))
  }
}
