import API
import Diagnostics
import HTTPTypes
import HummingbirdCore
import NIOCore
import Service
import SwiftProtobuf
import Wire

/// One RPC of the contract at the HTTP door.
struct ContractRoute: Sendable {
  /// Base 64 grows the largest inline context by a third (contract §3.3).
  static let bodyLimit = 8 << 20

  /// The RPC's name, as in the proto.
  let rpc: String
  let method: HTTPRequest.Method
  let path: PathTemplate
  /// Whether callers need not say who they are; they are the default organisation then.
  let isPublic: Bool
  /// Calls the RPC; given the path's variables and how streams are written.
  let answer: @Sendable (Call, [String: String], ContractCalls, Identity, StreamReply) async throws(Failure) -> Response

  /// The HTTP mapping of every service; `ContractRouteTests` holds it against the protos' google.api.http options.
  static let table: [ContractRoute] = build + secret + compute

  init(
    rpc: String, method: HTTPRequest.Method, path: PathTemplate, isPublic: Bool = false,
    answer:
      @escaping @Sendable (Call, [String: String], ContractCalls, Identity, StreamReply) async throws(Failure) ->
      Response
  ) {
    self.rpc = rpc
    self.method = method
    self.path = path
    self.isPublic = isPublic
    self.answer = answer
  }

  static func unary<Input: Message, Output: Message>(
    _ rpc: String,
    _ method: HTTPRequest.Method,
    _ path: String,
    _ invoke: @escaping @Sendable (ContractCalls, Input, Identity) async throws(Failure) -> Output
  ) -> ContractRoute {
    ContractRoute(rpc: rpc, method: method, path: PathTemplate(path)) {
      (call, variables, calls, caller, _) async throws(Failure) in
      let input: Input = try await message(call, variables)
      return .json(try json(try await invoke(calls, input, caller)))
    }
  }

  static func message<M: Message>(
    _ call: Call, _ variables: [String: String], _ query: Query? = nil
  ) async throws(Failure) -> M {
    var body: [UInt8] = []
    if !call.isReading {
      guard let collected = try await BodyReader.collect(call.request, limit: bodyLimit) else {
        throw Failure(
          .invalidArgument,
          reason: "body-too-large",
          "the request's body is larger than 8 MiB",
          hint:
            "send a large context with UploadBuildContext over gRPC, or: kindling build upload --folder DIR --name NAME"
        )
      }
      body = Array(collected.readableBytesView)
    }
    return try MessageDecoding.message(M.self, body: body, variables: variables, query: query ?? call.query)
  }

  /// Default values are left out, which is SwiftProtobuf's way too; a status is never the default.
  static func json(_ message: some Message) throws(Failure) -> [UInt8] {
    do { return try message.jsonUTF8Bytes() } catch { throw Failure(wrapping: error, while: "writing JSON") }
  }
}
