import Diagnostics

/// The moment an image is dated by, so that equal inputs make equal images whenever they are built.
///
/// BuildKit: the build argument dates the configuration, and layers only when the exporter is told to rewrite them.
/// Here: what is later in a layer is dated back too, for otherwise no two builds are equal.
package enum SourceDateEpoch {
  /// The build argument, and the variable of the environment.
  package static let name = "SOURCE_DATE_EPOCH"

  /// Seconds since 1970; nil for no text. Throws `source-date-epoch-invalid`.
  package static func seconds(_ text: String?) throws(Failure) -> Int64? {
    guard let text, !text.isEmpty else { return nil }
    guard let seconds = Int64(text), seconds >= 0 else {
      throw Failure(
        .invalidArgument, reason: "source-date-epoch-invalid",
        "\(name) '\(text)' is not a number of seconds since 1970", hint: "write \(name)=$(git log -1 --format=%ct)")
    }
    return seconds
  }
}
