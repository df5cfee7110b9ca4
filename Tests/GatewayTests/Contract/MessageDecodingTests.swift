import API
import Diagnostics
import Testing

@testable import Gateway

@Suite struct MessageDecodingTests {
  @Test(
    "members are read in both cases, numbers as text too",
    arguments: [
      #"{"buildArgs":{"A":"1"},"timeoutSecs":"60","noCache":true,"gitSource":{"contextDir":"web"}}"#,
      #"{"build_args":{"A":"1"},"timeout_secs":60,"no_cache":true,"git_source":{"context_dir":"web"}}"#,
    ]
  )
  func bothCases(body: String) throws {
    let message = try Self.create(body)
    #expect(message.buildArgs == ["A": "1"])
    #expect(message.timeoutSecs == 60)
    #expect(message.noCache)
    #expect(message.gitSource.contextDir == "web")
  }

  @Test("bytes are base 64 of either alphabet, padded or not", arguments: ["+/8=", "-_8=", "-_8"])
  func base64(text: String) throws {
    #expect(try Array(Self.create(#"{"zippedCode":"\#(text)"}"#).zippedCode) == [0xfb, 0xff])
  }

  @Test(
    "a body that does not fit names what is wrong with it",
    arguments: [
      (#"{"name":"a","colour":"red"}"#, "json-member-unknown", "'colour'"),
      (#"{"name":"a","contextId":"c","zippedCode":"YQ=="}"#, "json-oneof-conflict", "'contextId' and 'zippedCode'"),
      (#"{"name":"a","timeoutSecs":"soon"}"#, "json-value-invalid", "'timeoutSecs'"),
      (#"{"name":"a","timeoutSecs":-1}"#, "json-value-invalid", "'timeoutSecs'"),
      (#"{"name":7}"#, "json-value-invalid", "'name'"),
      (#"{"name":"a","noCache":"yes"}"#, "json-value-invalid", "'noCache'"),
      (#"{"name":"a","tags":"v1"}"#, "json-value-invalid", "'tags'"),
      (#"{"name":"a","zippedCode":"%%%"}"#, "json-value-invalid", "'zippedCode'"),
      (#"{"name":"a",}"#, "json-broken", "line 1, column 13"),
      ("name=a", "json-broken", "line 1, column 1"),
      ("[]", "json-not-an-object", "not a JSON object"),
    ]
  )
  func refuses(body: String, reason: String, named: String) {
    let failure = #expect(throws: Failure.self) { try Self.create(body) }
    #expect(failure?.code == .invalidArgument)
    #expect(failure?.reason == reason)
    #expect(failure?.message.contains(named) == true, "\(failure?.message ?? "")")
  }

  @Test("a path's variable wins over the body")
  func pathWins() throws {
    let message = try MessageDecoding.message(
      Dodil_Ignite_V1_CancelBuildRequest.self,
      body: Array(#"{"buildId":"other"}"#.utf8),
      variables: ["build_id": "bld_1"],
      query: Query(nil)
    )
    #expect(message.buildID == "bld_1")
  }

  @Test("two members of a choice inside a member are named, and their values are not")
  func nestedConflict() {
    let body = #"{"name":"x","value":{"gitSecret":{"token":"t0ken"},"registry_secret":{"password":"t0ken"}}}"#
    let failure = #expect(throws: Failure.self) {
      try MessageDecoding.message(
        Dodil_Ignite_V1_CreateSecretRequest.self, body: Array(body.utf8), variables: [:], query: Query(nil))
    }
    #expect(failure?.message == "members 'gitSecret' and 'registrySecret' exclude each other")
    #expect(failure?.description.contains("t0ken") == false)
  }

  @Test("a number too large for its field is refused")
  func tooLarge() {
    let failure = #expect(throws: Failure.self) {
      try MessageDecoding.message(
        Dodil_Ignite_V1_ListBuildsRequest.self,
        body: [],
        variables: [:],
        query: Query("limit=99999999999")
      )
    }
    #expect(failure?.reason == "query-value-invalid")
  }

  private static func create(_ body: String) throws(Failure) -> Dodil_Ignite_V1_CreateBuildRequest {
    try MessageDecoding.message(
      Dodil_Ignite_V1_CreateBuildRequest.self,
      body: Array(body.utf8),
      variables: [:],
      query: Query(nil)
    )
  }
}
