import API
import Diagnostics
import GRPCCore

/// gRPC's health checking protocol: one answer for the whole server, whatever registered service is asked about, but for
/// services that are off.
struct HealthRPC: Grpc_Health_V1_Health.SimpleServiceProtocol {
  private let services: Set<String>
  private let readiness: Readiness
  private let interval: Duration
  private let off: Set<String>

  /// Knows the empty name, `services` and itself; `off` are those that this run of the server cannot offer. A watch looks
  /// for changes every `interval`.
  init(services: Set<String>, off: Set<String> = [], readiness: Readiness, interval: Duration = .seconds(1)) {
    self.off = off
    self.services = services.union(["", Grpc_Health_V1_Health.descriptor.fullyQualifiedService])
    self.readiness = readiness
    self.interval = interval
  }

  func check(
    request: Grpc_Health_V1_HealthCheckRequest,
    context: ServerContext
  ) async throws -> Grpc_Health_V1_HealthCheckResponse {
    guard services.contains(request.service) else {
      throw Failure(
        .notFound,
        reason: "service-unknown",
        "service '\(request.service)' is not served here",
        hint: "leave the name empty to ask about the whole server"
      )
    }
    return answer(status(of: request.service))
  }

  func list(
    request: Grpc_Health_V1_HealthListRequest,
    context: ServerContext
  ) async throws -> Grpc_Health_V1_HealthListResponse {
    var list = Grpc_Health_V1_HealthListResponse()
    for service in services { list.statuses[service] = answer(status(of: service)) }
    return list
  }

  func watch(
    request: Grpc_Health_V1_HealthCheckRequest,
    response: RPCWriter<Grpc_Health_V1_HealthCheckResponse>,
    context: ServerContext
  ) async throws {
    try await endingWithTheCall(context) {
      var last: Grpc_Health_V1_HealthCheckResponse.ServingStatus?
      while true {
        let status = status(of: request.service)
        if status != last { try await response.write(answer(status)) }
        last = status
        try await Task.sleep(for: interval)
      }
    }
  }

  private func status(of service: String) -> Grpc_Health_V1_HealthCheckResponse.ServingStatus {
    guard services.contains(service) else { return .serviceUnknown }
    return readiness.isServing && !off.contains(service) ? .serving : .notServing
  }

  private func answer(
    _ status: Grpc_Health_V1_HealthCheckResponse.ServingStatus
  ) -> Grpc_Health_V1_HealthCheckResponse {
    var answer = Grpc_Health_V1_HealthCheckResponse()
    answer.status = status
    return answer
  }
}
