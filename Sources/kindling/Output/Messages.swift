import API
import Diagnostics
import SwiftProtobuf
import Terminal

/// The contract's messages on standard output, in the JSON every other door speaks.
enum Messages {
  static func print(_ message: some Message) throws(Failure) {
    do { Console.standardOutput.write(try message.jsonString() + "\n") } catch {
      throw Failure(wrapping: error, while: "writing the answer as JSON")
    }
  }

  /// `SUCCEEDED` in its colour.
  static func cell(_ status: Dodil_Ignite_V1_BuildStatus) -> Table.Cell {
    switch status {
    case .pending: Table.Cell("PENDING")
    case .running: Table.Cell("RUNNING", .active)
    case .succeeded: Table.Cell("SUCCEEDED", .good)
    case .failed: Table.Cell("FAILED", .bad)
    case .cancelled: Table.Cell("CANCELLED", .faint)
    case .unspecified, .UNRECOGNIZED: Table.Cell("UNKNOWN")
    }
  }
}
