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
  /// Calls the RPC; given the path's variables and how streams are written.
  let answer: @Sendable (Call, [String: String], BuildCalls, Identity, StreamReply) async throws(Failure) -> Response

  /// The HTTP mapping of BuildService; `ContractRouteTests` holds it against the protos' google.api.http options.
  static let table: [ContractRoute] = [
    unary("CreateBuild", .post, "/v1/ignite/builds") { (calls, message, caller) async throws(Failure) in
      try await calls.createBuild(message, as: caller)
    },
    unary("ListBuilds", .get, "/v1/ignite/builds") { (calls, message, caller) async throws(Failure) in
      try await calls.listBuilds(message, as: caller)
    },
    unary("SaveBuildSecrets", .put, "/v1/ignite/builds/secrets") { (calls, message, caller) async throws(Failure) in
      try await calls.saveBuildSecrets(message, as: caller)
    },
    unary("GetBuild", .get, "/v1/ignite/builds/{build_id}") { (calls, message, caller) async throws(Failure) in
      try await calls.getBuild(message, as: caller)
    },
    unary("CancelBuild", .post, "/v1/ignite/builds/{build_id}/cancel") {
      (calls, message, caller) async throws(Failure) in
      try await calls.cancelBuild(message, as: caller)
    },
    ContractRoute(
      rpc: "StreamBuildLogs", method: .get, path: PathTemplate("/v1/ignite/builds/{build_id}/logs/stream")
    ) { (call, variables, calls, caller, reply) async throws(Failure) in
      let query = Query(call.query.parameters.filter { $0.name != ResumePoint.parameter })
      let input: Dodil_Ignite_V1_StreamBuildLogsRequest = try await message(call, variables, query)
      let log = try await calls.streamBuildLogs(input, after: try call.resumePoint, as: caller)
      return reply.response(to: call, of: log) { (batch, format) throws(Failure) in format.frames(batch) }
    },
  ]

  private static func unary<Input: Message, Output: Message>(
    _ rpc: String,
    _ method: HTTPRequest.Method,
    _ path: String,
    _ invoke: @escaping @Sendable (BuildCalls, Input, Identity) async throws(Failure) -> Output
  ) -> ContractRoute {
    ContractRoute(rpc: rpc, method: method, path: PathTemplate(path)) {
      (call, variables, calls, caller, _) async throws(Failure) in
      let input: Input = try await message(call, variables)
      return .json(try json(try await invoke(calls, input, caller)))
    }
  }

  private static func message<M: Message>(
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
  private static func json(_ message: some Message) throws(Failure) -> [UInt8] {
    do { return try message.jsonUTF8Bytes() } catch { throw Failure(wrapping: error, while: "writing JSON") }
  }
}
