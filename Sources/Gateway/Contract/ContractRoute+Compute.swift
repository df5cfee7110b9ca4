import API
import Diagnostics
import HTTPTypes
import HummingbirdCore
import Service
import Wire

extension ContractRoute {
  /// ComputeService.
  static let compute: [ContractRoute] = apps + appStreams + [health]

  private static let app = "/v1/ignite/app/{organization_name}/{app_name}"

  private static let apps: [ContractRoute] = [
    unary("CreateApp", .post, "/v1/ignite/app/{organization_name}") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.createApp(message, as: caller)
    },
    unary("ListApps", .get, "/v1/ignite/app/{organization_name}") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.listApps(message, as: caller)
    },
    unary("GetApp", .get, app) { (calls, message, caller) async throws(Failure) in
      try await calls.compute.getApp(message, as: caller)
    },
    unary("UpdateAppConfig", .patch, app + "/config") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.updateAppConfig(message, as: caller)
    },
    unary("DeleteApp", .delete, app) { (calls, message, caller) async throws(Failure) in
      try await calls.compute.deleteApp(message, as: caller)
    },
    unary("GetAppState", .get, app + "/state") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.getAppState(message, as: caller)
    },
    unary("SaveDraft", .post, app + "/draft") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.saveDraft(message, as: caller)
    },
    unary("GetDraftInfo", .get, app + "/draft") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.getDraftInfo(message, as: caller)
    },
    unary("CompileDraft", .post, app + "/draft/compile") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.compileDraft(message, as: caller)
    },
    unary("TestDraft", .post, app + "/draft/test") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.testDraft(message, as: caller)
    },
    unary("PublishDraft", .post, app + "/draft/publish") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.publishDraft(message, as: caller)
    },
    unary("ListAppVersions", .get, app + "/versions") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.listAppVersions(message, as: caller)
    },
    unary("GetAppVersion", .get, app + "/versions/{version}") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.getAppVersion(message, as: caller)
    },
    unary("RollbackApp", .post, app + "/rollback") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.rollbackApp(message, as: caller)
    },
    unary("InvokeAsync", .post, app + "/invoke-async") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.invokeAsync(message, as: caller)
    },
    unary("GetExecution", .get, "/v1/ignite/executions/{execution_id}") {
      (calls, message, caller) async throws(Failure) in
      try await calls.compute.getExecution(message, as: caller)
    },
    unary("GetAppLogs", .get, app + "/logs") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.getAppLogs(message, as: caller)
    },
    unary("GetBuildLog", .get, app + "/builds/{build_id}/log") { (calls, message, caller) async throws(Failure) in
      try await calls.compute.getBuildLog(message, as: caller)
    },
  ]

  private static let appStreams: [ContractRoute] = [
    ContractRoute(
      rpc: "StreamCompileLogs", method: .get, path: PathTemplate("/v1/ignite/compile/{deploy_id}/logs")
    ) { (call, variables, calls, caller, reply) async throws(Failure) in
      let query = Query(call.query.parameters.filter { $0.name != ResumePoint.parameter })
      let input: Dodil_Ignite_V1_StreamCompileLogsRequest = try await message(call, variables, query)
      let log = try await calls.compute.streamCompileLogs(input, after: try call.resumePoint, as: caller)
      return reply.response(to: call, of: log) { (batch, format) throws(Failure) in format.frames(batch) }
    },
    ContractRoute(rpc: "Invoke", method: .post, path: PathTemplate(app + "/invoke")) {
      (call, variables, calls, caller, reply) async throws(Failure) in
      let input: Dodil_Ignite_V1_InvokeRequest = try await message(call, variables)
      let frames = try await calls.compute.invoke(input, as: caller)
      return reply.response(to: call, of: frames) { (frame) throws(Failure) in StreamItem(json: try json(frame)) }
    },
    ContractRoute(
      rpc: "WatchExecution", method: .get, path: PathTemplate("/v1/ignite/executions/{execution_id}/watch")
    ) { (call, variables, calls, caller, reply) async throws(Failure) in
      let input: Dodil_Ignite_V1_GetExecutionRequest = try await message(call, variables)
      let records = try await calls.compute.watchExecution(input, as: caller)
      return reply.response(to: call, of: records) { (record) throws(Failure) in
        StreamItem(json: try json(ComputeCalls.message(record)))
      }
    },
    ContractRoute(rpc: "StreamAppLogs", method: .get, path: PathTemplate(app + "/logs/stream")) {
      (call, variables, calls, caller, reply) async throws(Failure) in
      let input: Dodil_Ignite_V1_GetAppLogsRequest = try await message(call, variables)
      let lines = try await calls.compute.streamAppLogs(input, as: caller)
      return reply.response(to: call, of: lines) { (line) throws(Failure) in
        StreamItem(json: try json(Dodil_Ignite_V1_AppLogLine(line)))
      }
    },
  ]

  /// For everybody, also who has no token.
  private static let health = ContractRoute(
    rpc: "HealthCheck", method: .get, path: PathTemplate("/v1/ignite/health"), isPublic: true
  ) { (_, _, calls, _, _) async throws(Failure) in .json(try json(try calls.compute.healthCheck())) }
}
