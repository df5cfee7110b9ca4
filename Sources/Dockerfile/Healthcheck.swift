/// `HEALTHCHECK NONE` or `HEALTHCHECK [flags] CMD …`.
package enum Healthcheck: Sendable, Hashable {
  /// Switches off a check the base image has.
  case none
  case probe(Probe)

  /// The command and when it runs; nil leaves a number to the engine's default.
  package struct Probe: Sendable, Hashable {
    package let command: CommandForm
    package let intervalNanoseconds: Int64?
    package let timeoutNanoseconds: Int64?
    package let startPeriodNanoseconds: Int64?
    package let startIntervalNanoseconds: Int64?
    package let retries: Int?
  }
}
