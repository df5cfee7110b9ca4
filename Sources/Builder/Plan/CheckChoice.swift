import Diagnostics
import Dockerfile

/// Which build checks a build runs and whether a finding fails it: the `# check=` directive, or the build argument
/// that overrides it (Docker documentation, "Build checks").
struct CheckChoice {
  static let argument = "BUILDKIT_DOCKERFILE_CHECK"

  private let check: ParsedDockerfile.Directives.Check

  init(_ dockerfile: ParsedDockerfile, arguments: [String: String]) throws(Failure) {
    guard let text = arguments[Self.argument] else {
      check = dockerfile.directives.check ?? ParsedDockerfile.Directives.Check()
      return
    }
    guard let given = ParsedDockerfile.Directives.Check(text) else {
      throw Failure(
        .invalidArgument, reason: "build-arg-invalid", "build argument \(Self.argument) '\(text)' is not understood",
        hint: "write \(Self.argument)=skip=NAME,NAME;error=true")
    }
    check = given
  }

  /// The warnings that are wanted, in the order of the lines.
  func kept(_ warnings: [BuildPlan.PlanWarning]) -> [BuildPlan.PlanWarning] {
    let wanted = warnings.filter { warning in warning.check.map { check.runs($0) } ?? true }
    return wanted.enumerated().sorted { a, b in
      let (first, second) = (a.element.source?.firstLine ?? .max, b.element.source?.firstLine ?? .max)
      return (first, a.offset) < (second, b.offset)
    }.map(\.element)
  }

  /// With `error=true` the findings of checks fail the build; throws `build-checks-failed`.
  func enforce(_ warnings: [BuildPlan.PlanWarning]) throws(Failure) {
    let findings = warnings.filter { $0.check != nil }
    guard check.error, let first = findings.first else { return }
    throw Failure(
      .invalidArgument, reason: "build-checks-failed",
      "the Dockerfile has \(findings.count) finding\(findings.count == 1 ? "" : "s") of build checks, "
        + "and 'error=true' makes them errors",
      source: first.source, hint: "mend what they name, or leave a check out with # check=skip=NAME",
      cause: findings.map(\.line).joined(separator: "\n"))
  }
}
