import API
import Diagnostics
import GRPCCore
import Service
import Wire

/// The RPCs that answer with a stream.
extension ComputeServiceRPC {
  package func streamCompileLogs(
    request: ServerRequest<Dodil_Ignite_V1_StreamCompileLogsRequest>,
    context: ServerContext
  ) async throws -> StreamingServerResponse<Dodil_Ignite_V1_StreamCompileLogsResponse> {
    let caller = try await callers.caller(of: request.metadata)
    let after = try request.metadata[stringValues: "last-event-id"].first { _ in true }.map(ResumePoint.number)
    let log = try await calls().compute.streamCompileLogs(request.message, after: after, as: caller)
    return StreamingServerResponse { writer in
      try await endingWithTheCall(context) {
        for try await batch in log { try await writer.write(contentsOf: batch.compileMessages) }
      }
      return [:]
    }
  }

  package func invoke(
    request: ServerRequest<Dodil_Ignite_V1_InvokeRequest>,
    context: ServerContext
  ) async throws -> StreamingServerResponse<Dodil_Ignite_V1_InvokeResponse> {
    let caller = try await callers.caller(of: request.metadata)
    let frames = try await calls().compute.invoke(request.message, as: caller)
    return StreamingServerResponse { writer in
      try await endingWithTheCall(context) {
        for try await frame in frames { try await writer.write(frame) }
      }
      return [:]
    }
  }

  package func watchExecution(
    request: ServerRequest<Dodil_Ignite_V1_GetExecutionRequest>,
    context: ServerContext
  ) async throws -> StreamingServerResponse<Dodil_Ignite_V1_WatchExecutionResponse> {
    let caller = try await callers.caller(of: request.metadata)
    let records = try await calls().compute.watchExecution(request.message, as: caller)
    return StreamingServerResponse { writer in
      try await endingWithTheCall(context) {
        for try await record in records { try await writer.write(ComputeCalls.message(record)) }
      }
      return [:]
    }
  }

  package func streamAppLogs(
    request: ServerRequest<Dodil_Ignite_V1_GetAppLogsRequest>,
    context: ServerContext
  ) async throws -> StreamingServerResponse<Dodil_Ignite_V1_AppLogLine> {
    let caller = try await callers.caller(of: request.metadata)
    let lines = try await calls().compute.streamAppLogs(request.message, as: caller)
    return StreamingServerResponse { writer in
      try await endingWithTheCall(context) {
        for await line in lines { try await writer.write(Dodil_Ignite_V1_AppLogLine(line)) }
      }
      return [:]
    }
  }
}
