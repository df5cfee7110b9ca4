import API
import Diagnostics
import Service

extension LogBatch {
  /// The lines as the stream's messages.
  package var messages: [Dodil_Ignite_V1_StreamBuildLogsResponse] {
    lines.map { line in
      var message = Dodil_Ignite_V1_StreamBuildLogsResponse()
      message.timestampMs = line.at.milliseconds
      message.line = line.text
      return message
    }
  }

  /// The same as a compile's.
  package var compileMessages: [Dodil_Ignite_V1_StreamCompileLogsResponse] {
    lines.map { line in
      var message = Dodil_Ignite_V1_StreamCompileLogsResponse()
      message.timestampMs = line.at.milliseconds
      message.line = line.text
      return message
    }
  }
}

/// The number of the last line or event that a caller has, as it says it: `Last-Event-ID` or `?after=` over HTTP,
/// `last-event-id` in gRPC's metadata.
package enum ResumePoint {
  package static let parameter = "after"

  package static func number(_ text: String) throws(Failure) -> Int {
    guard let number = Int(text), number >= 0 else {
      throw Failure(
        .invalidArgument,
        reason: "sequence-invalid",
        "'\(text.prefix(100))' is not the number of a line or an event",
        hint: "give the last one seen, or leave it out"
      )
    }
    return number
  }
}
