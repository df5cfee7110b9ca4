import API
import Diagnostics
import HTTPTypes
import Service
import Wire

extension ContractRoute {
  /// BuildService but for UploadBuildContext, which is gRPC only.
  static let build: [ContractRoute] = [
    unary("CreateBuild", .post, "/v1/ignite/builds") { (calls, message, caller) async throws(Failure) in
      try await calls.builds.createBuild(message, as: caller)
    },
    unary("ListBuilds", .get, "/v1/ignite/builds") { (calls, message, caller) async throws(Failure) in
      try await calls.builds.listBuilds(message, as: caller)
    },
    unary("SaveBuildSecrets", .put, "/v1/ignite/builds/secrets") { (calls, message, caller) async throws(Failure) in
      try await calls.builds.saveBuildSecrets(message, as: caller)
    },
    unary("GetBuild", .get, "/v1/ignite/builds/{build_id}") { (calls, message, caller) async throws(Failure) in
      try await calls.builds.getBuild(message, as: caller)
    },
    unary("CancelBuild", .post, "/v1/ignite/builds/{build_id}/cancel") {
      (calls, message, caller) async throws(Failure) in
      try await calls.builds.cancelBuild(message, as: caller)
    },
    ContractRoute(
      rpc: "StreamBuildLogs", method: .get, path: PathTemplate("/v1/ignite/builds/{build_id}/logs/stream")
    ) { (call, variables, calls, caller, reply) async throws(Failure) in
      let query = Query(call.query.parameters.filter { $0.name != ResumePoint.parameter })
      let input: Dodil_Ignite_V1_StreamBuildLogsRequest = try await message(call, variables, query)
      let log = try await calls.builds.streamBuildLogs(input, after: try call.resumePoint, as: caller)
      return reply.response(to: call, of: log) { (batch, format) throws(Failure) in format.frames(batch) }
    },
  ]
}
