import Builder
import Diagnostics

/// What an app's code is built with that brings no Dockerfile. The platform takes a buildpack then; here it is the same
/// starter that the command line writes, and the log says so (contract §1.2).
enum StarterChoices {
  static let choose: StarterChoice = { (root) throws(Failure) in
    throw Failure(
      .invalidArgument, reason: "stack-unknown",
      "the code has no Dockerfile, and what it is written in cannot be told from its root: "
        + root.names.sorted().prefix(12).joined(separator: ", "),
      hint: "put a Dockerfile into its root, or name the one it has with dockerfile_path")
  }
}
