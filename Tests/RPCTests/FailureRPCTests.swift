import Diagnostics
import GRPCCore
import Testing

@testable import RPC

@Suite struct FailureRPCTests {
  private let server = Door.Address(host: "127.0.0.1", port: 4480)

  @Test("a failure crosses the wire with code, reason, message, hint and cause")
  func roundTrip() {
    let sent = Failure(
      .notFound,
      reason: "build-unknown",
      "build 'bld_1' does not exist",
      hint: "kindling build list",
      cause: "no row"
    )
    let received = Failure(answer: RPCError(sent), server: server)
    #expect(received == sent)
  }

  @Test("clients that read only the message get the hint too")
  func plainMessage() {
    let error = RPCError(Failure(.unauthenticated, reason: "r", "the call carries no token", hint: "send one"))
    #expect(error.code == .unauthenticated)
    #expect(error.message == "the call carries no token; send one")
  }

  @Test("every code of the contract has its gRPC twin", arguments: Code.allCases)
  func codes(code: Code) {
    #expect(RPCError.Code(code).rawValue == code.rawValue)
  }

  @Test("a long cause loses its middle and fits into a trailer")
  func clipped() {
    let text = "begin " + String(repeating: "x", count: 100_000) + " end"
    let error = RPCError(Failure(.internal, reason: "r", "m", cause: text))
    let bytes = error.metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.encoded().utf8.count }
    #expect(error.message.utf8.count + bytes < 6000)
    #expect(error.message.hasPrefix("m: begin x") && error.message.hasSuffix("x end"))
  }

  @Test("an answer without our details keeps its code and words")
  func foreign() {
    let received = Failure(answer: RPCError(code: .unimplemented, message: "no such method"), server: server)
    #expect(received.code == .unimplemented && received.reason == "rpc-unimplemented")
    #expect(received.message == "no such method")
  }

  @Test("nobody there is told with the way to start the server")
  func unreachable() async throws {
    let free = try await FreePort.find()
    let address = Door.Address(host: "127.0.0.1", port: free)
    let failure = await #expect(throws: Failure.self) {
      try await IgniteClient.withConnection(to: address, token: "t") { try await $0.getBuild("bld_1") }
    }
    #expect(failure?.reason == "server-unreachable")
    #expect(failure?.message == "no server answers at 127.0.0.1:\(free)")
    #expect(failure?.hint == "start it with: kindling start")
  }

  @Test("a token that cannot be sent is refused before anything is sent", arguments: ["", "a b", "a\nb", "é"])
  func tokens(token: String) async {
    let failure = await #expect(throws: Failure.self) {
      try await IgniteClient.withConnection(to: server, token: token) { _ in }
    }
    #expect(failure?.reason == "token-invalid")
  }
}
