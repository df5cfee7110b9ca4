import Diagnostics

/// What can be wrong with an archive that someone handed in; one reason each, so that tests and scripts can match.
extension Failure {
  static func archiveTruncated(_ message: String) -> Failure {
    Failure(
      .invalidArgument,
      reason: "archive-truncated",
      message,
      hint: "the archive ends too early: make it again, or upload it again"
    )
  }

  static func archiveCorrupt(_ message: String, cause: String? = nil) -> Failure {
    Failure(.invalidArgument, reason: "archive-corrupt", message, hint: "make the archive again", cause: cause)
  }

  static func archiveTooLarge(_ message: String) -> Failure {
    Failure(
      .invalidArgument,
      reason: "archive-too-large",
      message,
      hint: "leave out what the build doesn't read, for example with a .dockerignore file"
    )
  }

  static func archivePathEscapes(_ message: String, hint: String? = nil) -> Failure {
    Failure(
      .invalidArgument,
      reason: "archive-path-escapes",
      message,
      hint: hint ?? "make the archive from inside its directory: tar -C DIR -czf context.tar.gz ."
    )
  }

  static func archiveUnsupported(_ message: String, hint: String) -> Failure {
    Failure(.invalidArgument, reason: "archive-unsupported", message, hint: hint)
  }
}
