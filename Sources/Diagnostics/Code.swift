/// The failure kinds of the contract: gRPC's canonical codes, with what each means at every other door.
///
/// One table maps a code to gRPC, HTTP, the registry's error word, the exit status and whether a retry can help;
/// `CodeTests` holds it as a golden text.
package enum Code: Int, Sendable, Hashable, Codable, CaseIterable {
  case cancelled = 1
  case unknown = 2
  case invalidArgument = 3
  case deadlineExceeded = 4
  case notFound = 5
  case alreadyExists = 6
  case permissionDenied = 7
  case resourceExhausted = 8
  case failedPrecondition = 9
  case aborted = 10
  case outOfRange = 11
  case unimplemented = 12
  case `internal` = 13
  case unavailable = 14
  case dataLoss = 15
  case unauthenticated = 16

  /// The name gRPC prints, such as `INVALID_ARGUMENT`.
  package var name: String { row.name }
  /// The HTTP status the gateway answers with.
  package var httpStatus: Int { row.http }
  /// The exit status of the command line.
  package var exitStatus: Int32 { row.exit }
  /// Whether the same call may succeed later without a change.
  package var isRetryable: Bool { row.retryable }

  private var row: (name: String, http: Int, exit: Int32, retryable: Bool) {
    switch self {
    case .cancelled: ("CANCELLED", 499, 1, false)
    case .unknown: ("UNKNOWN", 500, 1, false)
    case .invalidArgument: ("INVALID_ARGUMENT", 400, 2, false)
    case .deadlineExceeded: ("DEADLINE_EXCEEDED", 504, 8, true)
    case .notFound: ("NOT_FOUND", 404, 5, false)
    case .alreadyExists: ("ALREADY_EXISTS", 409, 6, false)
    case .permissionDenied: ("PERMISSION_DENIED", 403, 4, false)
    case .resourceExhausted: ("RESOURCE_EXHAUSTED", 429, 7, true)
    case .failedPrecondition: ("FAILED_PRECONDITION", 400, 1, false)
    case .aborted: ("ABORTED", 409, 1, true)
    case .outOfRange: ("OUT_OF_RANGE", 400, 1, false)
    case .unimplemented: ("UNIMPLEMENTED", 501, 1, false)
    case .internal: ("INTERNAL", 500, 10, false)
    case .unavailable: ("UNAVAILABLE", 503, 9, true)
    case .dataLoss: ("DATA_LOSS", 500, 10, false)
    case .unauthenticated: ("UNAUTHENTICATED", 401, 3, false)
    }
  }
}
