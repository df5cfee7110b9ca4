import Builder
import Diagnostics

/// What an app's code is built with that brings no Dockerfile. The platform takes a buildpack then; here it is the same
/// starter that the command line writes, and the log shows it (contract §1.2).
enum StarterChoices {
  static let choose: StarterChoice = { (root) throws(Failure) in
    let starter = try StarterDockerfile.detect(names: root.names) { name in
      root.contents(name).flatMap { String(validating: $0, as: UTF8.self) }
    }
    guard let starter else {
      throw Failure(
        .invalidArgument, reason: "stack-unknown",
        "the code has no Dockerfile, and nothing at its root tells what it is written in: "
          + (root.names.isEmpty ? "it is empty" : root.names.sorted().prefix(12).joined(separator: ", ")),
        hint: "put a Dockerfile into its root, name the one it has with dockerfile_path, or begin with one of "
          + StarterDockerfile.knownFiles.joined(separator: ", "))
    }
    let lines = starter.text.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 }
    return ChosenStarter(
      text: starter.text,
      note: "the code has no Dockerfile; it is built with the starter for \(starter.stack.rawValue), since "
        + starter.evidence + ":\n" + lines.joined(separator: "\n"))
  }
}
