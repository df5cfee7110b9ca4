import Diagnostics

extension SandboxProbe {
  /// What keeps this machine from running commands of builds, as a caller of CreateBuild is told it; nil when nothing
  /// does. A missing network namespace or few layers limit builds and keep nobody from building.
  package static func obstacle(in findings: [Finding]) -> Failure? {
    let needed = ["user-namespace", "namespaces", "overlay"]
    let refused = findings.filter { !$0.ok && needed.contains($0.name) }
    // Root needs no user namespace; where an ordinary user gets none, nothing else can work and that is the cause.
    guard refused.contains(where: { $0.name != "user-namespace" }), let cause = refused.first(where: isCause) else {
      return nil
    }
    let fix = cause.hint.map { $0 + "; " } ?? ""
    return Failure(
      .unavailable, reason: "builds-unavailable",
      "this machine lets kindling run no builds: \(cause.name) \(cause.detail)",
      hint: fix + "everything else serves, see: kindling status")
  }

  private static func isCause(_ finding: Finding) -> Bool { finding.name != "user-namespace" || UserNamespace.isNeeded }
}
