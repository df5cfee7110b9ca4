import Diagnostics

/// `RUN`: a command, and what it sees while it runs.
package struct RunInstruction: Sendable, Hashable {
  package enum Network: String, Sendable, Hashable, CaseIterable { case `default`, none, host }
  package enum Security: String, Sendable, Hashable, CaseIterable { case sandbox, insecure }

  /// What to run, heredocs already taken care of.
  ///
  /// `RUN <<EOF` alone is `.shell` with the body as its text. A command with heredocs (`RUN cat <<EOF > /x`) is
  /// `.shell` with command, bodies and delimiters as written, for the stage's shell to read.
  package let command: CommandForm
  /// The executable file to run instead of `command`: the body of a lone heredoc that begins with `#!`.
  package let script: String?
  /// The heredocs as written; a builder needs only `command` and `script`.
  package let heredocs: [Heredoc]
  /// `--mount` in the order written; `mounts(expand:)` reads them.
  package let mountFlags: [String]
  package let network: Network
  package let security: Security
  /// `--device` in the order written.
  package let devices: [String]

  /// The mounts with their option values expanded.
  ///
  /// Throws `dockerfile-syntax` without an excerpt (add it by `located(at:)`), and what `expand` throws. Flags
  /// without variables were checked by the parser already.
  package func mounts(expand: (String) throws(Failure) -> String) throws(Failure) -> [Mount] {
    var mounts: [Mount] = []
    for flag in mountFlags { mounts.append(try Mount(flag: flag, expand: expand)) }
    return mounts
  }
}

extension Failure {
  /// The same failure with its place in the Dockerfile, unless it knows one already.
  package func located(at excerpt: SourceExcerpt) -> Failure {
    var failure = self
    if failure.source == nil { failure.source = excerpt }
    return failure
  }
}
