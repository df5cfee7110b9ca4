import API
import Diagnostics
import Storage

extension Dodil_Ignite_V1_BuildStatus {
  /// The status as callers see it.
  package init(_ status: BuildStatus) {
    self =
      switch status {
      case .pending: .pending
      case .running: .running
      case .succeeded: .succeeded
      case .failed: .failed
      case .cancelled: .cancelled
      }
  }

  /// The status a list is restricted to; nil for all of them.
  var filter: BuildStatus? {
    get throws(Failure) {
      switch self {
      case .unspecified: nil
      case .pending: .pending
      case .running: .running
      case .succeeded: .succeeded
      case .failed: .failed
      case .cancelled: .cancelled
      case .UNRECOGNIZED(let number):
        throw Failure(
          .invalidArgument,
          reason: "status-unknown",
          "build status \(number) does not exist",
          hint: "use BUILD_STATUS_PENDING, _RUNNING, _SUCCEEDED, _FAILED or _CANCELLED"
        )
      }
    }
  }
}
