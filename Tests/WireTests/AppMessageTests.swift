import API
import Diagnostics
import Foundation
import Runner
import Service
import Storage
import SwiftProtobuf
import Testing

@testable import Wire

@Suite struct AppMessageTests {
  @Test("an app's wishes come over whole, and numbers that the contract lacks are refused")
  func configurations() throws {
    let message = try Dodil_Ignite_V1_CreateAppRequest(
      jsonString: """
        {"name":"a","resourceTier":"RESOURCE_TIER_LARGE","env":{"A":"b"},"limits":{"memoryMb":100,"timeoutSecs":"5"},
         "scaling":{"maxReplicas":3,"reservedCapacity":1},"storageMode":"STORAGE_MODE_TTL","mcpEnabled":true,
         "ports":[8080],"healthPath":"/up","maxConcurrency":4,"allowUnauthenticated":true,
         "runtime":{"rust":{"target":"RUST_COMPILATION_TARGET_WASM","toolchainVersion":"1"}}}
        """)
    let configuration = try AppConfiguration(message)
    #expect(configuration.tier == .large && configuration.memory == 100 && configuration.timeoutSeconds == 5)
    #expect(configuration.maximumReplicas == 3 && configuration.reservedReplicas == 1)
    #expect(configuration.storageMode == .ttl && configuration.speaksMCP && configuration.allowsAnonymous)
    #expect(configuration.ports == [8080] && configuration.healthPath == "/up")
    let runtime = try #require(configuration.runtime)
    #expect(Dodil_Ignite_V1_Runtime(runtime) == message.runtime)
    #expect(try AppConfiguration(Dodil_Ignite_V1_CreateAppRequest()).tier == .medium)
    var wrong = message
    wrong.resourceTier = .UNRECOGNIZED(9)
    #expect(throws: Failure.self) { try AppConfiguration(wrong) }
  }

  @Test("a change carries what the message has, and nothing that it hasn't")
  func changes() throws {
    let none = try AppChange(Dodil_Ignite_V1_UpdateAppConfigRequest())
    #expect(none.tier == nil && none.description == nil && none.limits == nil && none.healthPath == nil)
    #expect(none.environment.isEmpty && none.ports.isEmpty && none.allowsAnonymous == nil)
    let some = try AppChange(
      Dodil_Ignite_V1_UpdateAppConfigRequest(
        jsonString: #"{"description":"","allowUnauthenticated":false,"resourceTier":"RESOURCE_TIER_SMALL"}"#))
    #expect(some.description == "" && some.allowsAnonymous == false && some.tier == .small)
  }

  @Test("code is one of the contract's forms, or none")
  func code() throws {
    func order(_ json: String) throws -> CodeOrder { CodeOrder(try Dodil_Ignite_V1_CodeSource(jsonString: json)) }
    guard case .missing = try order("{}"), case .missing = try order(#"{"image":{}}"#),
      case .runtime = try order(#"{"compile":{}}"#),
      case .prebuilt("a:b", "s") = try order(#"{"image":{"prebuilt":{"image_ref":"a:b","registry_secret_ref":"s"}}}"#),
      case .archive([1], "d", ["A": "b"]) = try order(
        #"{"image":{"from_code":{"archive":"AQ==","dockerfile_path":"d","build_args":{"A":"b"}}}}"#),
      case .git("u", "r", "p", "d", "s", [:]) = try order(
        #"{"image":{"from_git":{"url":"u","reference":"r","sub_path":"p","dockerfile_path":"d","secret_ref":"s"}}}"#)
    else {
      Issue.record("a form of code was not read as it is")
      return
    }
  }

  private static func frames(_ pieces: [[UInt8]], _ failure: Failure? = nil) async throws
    -> [Dodil_Ignite_V1_InvokeResponse]
  {
    let body = AsyncThrowingStream<[UInt8], any Error> { continuation in
      for piece in pieces { continuation.yield(piece) }
      continuation.finish(throwing: failure)
    }
    let answer = AppAnswer(
      status: 201, headers: [("X-A", "1"), ("x-a", "2"), ("Content-Type", "text/plain")], body: body)
    let frames = InvokeFrames(
      answer: answer, execution: ExecutionID.make(at: Timestamp(milliseconds: 1)), began: .now)
    var all: [Dodil_Ignite_V1_InvokeResponse] = []
    for try await frame in frames { all.append(frame) }
    return all
  }

  @Test("an answer is a head, its pieces and a trailer")
  func invoking() async throws {
    let frames = try await Self.frames([[1], [], [2, 3]])
    #expect(frames.count == 4)
    #expect(frames[0].head.statusCode == 201 && frames[0].head.executionID.hasPrefix("exec_"))
    #expect(frames[0].head.headers == ["x-a": "1, 2", "content-type": "text/plain"])
    #expect(frames[1].chunk == Data([1]) && frames[2].chunk == Data([2, 3]))
    #expect(frames[3].trailer.durationMs >= 1 && frames[3].trailer.error.isEmpty)
  }

  @Test("an answer that breaks off says so in its trailer")
  func breaking() async throws {
    let frames = try await Self.frames([[1]], Failure(.unavailable, reason: "replica-ended", "it ended"))
    #expect(frames.count == 3 && frames[1].chunk == Data([1]))
    #expect(frames[2].trailer.error == "it ended")
  }
}
