import SystemPackage

/// What whoever runs the builder lets builds have of this machine. Nothing unless told: it would be given to everybody
/// who may call a build, and to everybody whose Dockerfile is built.
package struct BuildGrants: Sendable, Hashable {
  /// Sockets of ssh agents, by the id that `RUN --mount=type=ssh` asks for. A command can log in with the keys while it
  /// runs, and never sees them.
  package var agents: [String: FilePath] = [:]
  /// `RUN --security=insecure`: every capability of the builder's own process, and with those of root the machine.
  package var allowsInsecure = false

  package init() {}
}
