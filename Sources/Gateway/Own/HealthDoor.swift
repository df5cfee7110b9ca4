import HTTPTypes
import HummingbirdCore

/// `/livez` and `/readyz`, for probes: no token, and no answer but the truth.
struct HealthDoor: Sendable {
  let readiness: @Sendable () async -> Readiness

  func live(_ call: Call) -> Response {
    guard call.isReading else { return .methodNotAllowed(call, allowed: [.get]) }
    return .text("live\n")
  }

  /// `?verbose` lists the parts as JSON; without it the parts that are not ready are named.
  func ready(_ call: Call) async -> Response {
    guard call.isReading else { return .methodNotAllowed(call, allowed: [.get]) }
    let readiness = await readiness()
    let status: HTTPResponse.Status = readiness.ready ? .ok : .serviceUnavailable
    if call.query["verbose"] != nil { return .json(readiness, status: status) }
    guard !readiness.ready else { return .text("ready\n") }
    let missing = readiness.parts.filter { !$0.ok }.map { "\($0.name): \($0.detail)\n" }
    return .text("not ready\n" + missing.joined(), status: status)
  }
}
