import API
import Diagnostics
import Runner
import Service
import Storage

/// Calls, executions and logs.
extension ComputeCalls {
  package func invoke(
    _ message: Dodil_Ignite_V1_InvokeRequest, as caller: Identity
  ) async throws(Failure) -> InvokeFrames {
    try await meet(.invoke, caller)
    let (answer, execution, began) = try await compute.invoke(InvokeOrder(message), as: caller)
    return InvokeFrames(answer: answer, execution: execution, began: began)
  }

  package func invokeAsync(
    _ message: Dodil_Ignite_V1_InvokeRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_InvokeAsyncResponse {
    try await meet(.invokeAsync, caller)
    var answer = Dodil_Ignite_V1_InvokeAsyncResponse()
    answer.executionID = try await compute.invokeAsync(InvokeOrder(message), as: caller).text
    return answer
  }

  package func getExecution(
    _ message: Dodil_Ignite_V1_GetExecutionRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_GetExecutionResponse {
    try await meet(.getExecution, caller)
    var answer = Dodil_Ignite_V1_GetExecutionResponse()
    answer.execution = Dodil_Ignite_V1_Execution(try await compute.execution(message.executionID, as: caller))
    return answer
  }

  package func watchExecution(
    _ message: Dodil_Ignite_V1_GetExecutionRequest, as caller: Identity
  ) async throws(Failure) -> AsyncThrowingStream<ExecutionRecord, any Error> {
    try await meet(.watchExecution, caller)
    return try await compute.watchExecution(message.executionID, as: caller)
  }

  package static func message(_ record: ExecutionRecord) -> Dodil_Ignite_V1_WatchExecutionResponse {
    var message = Dodil_Ignite_V1_WatchExecutionResponse()
    message.execution = Dodil_Ignite_V1_Execution(record)
    return message
  }

  package func getAppLogs(
    _ message: Dodil_Ignite_V1_GetAppLogsRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_GetAppLogsResponse {
    try await meet(.getAppLogs, caller)
    var answer = Dodil_Ignite_V1_GetAppLogsResponse()
    answer.lines = try await compute.logs(
      message.organizationName, message.appName, limit: Int(message.limit), replica: message.replicaID, as: caller
    ).map { Dodil_Ignite_V1_AppLogLine($0) }
    return answer
  }

  package func streamAppLogs(
    _ message: Dodil_Ignite_V1_GetAppLogsRequest, as caller: Identity
  ) async throws(Failure) -> AsyncStream<AppLogLine> {
    try await meet(.streamAppLogs, caller)
    return try await compute.followLogs(
      message.organizationName, message.appName, limit: Int(message.limit), replica: message.replicaID, as: caller)
  }

  package func getBuildLog(
    _ message: Dodil_Ignite_V1_GetBuildLogRequest, as caller: Identity
  ) async throws(Failure) -> Dodil_Ignite_V1_GetBuildLogResponse {
    try await meet(.getBuildLog, caller)
    var answer = Dodil_Ignite_V1_GetBuildLogResponse()
    answer.log = try await compute.buildLog(
      message.organizationName, message.appName, message.buildID, as: caller)
    return answer
  }

  /// Public: nobody has to say who calls.
  package func healthCheck() -> Dodil_Ignite_V1_HealthCheckResponse {
    var answer = Dodil_Ignite_V1_HealthCheckResponse()
    answer.status = "ok"
    answer.version = version
    return answer
  }
}
