import Diagnostics
import Sandbox
import Storage

/// What a replica's log says of the replica itself.
enum ReplicaWords {
  static func starting(_ plan: ReplicaPlan, _ command: ResidentCommand) -> String {
    let words = command.arguments.prefix(4).joined(separator: " ") + (command.arguments.count > 4 ? " …" : "")
    let version = plan.revision.version == .draft ? "the draft" : "version \(plan.revision.version)"
    return "starting \(version) of \(plan.revision.app) (\(plan.imageReference)): \(words), as user \(command.user), "
      + limits(plan)
  }

  private static func limits(_ plan: ReplicaPlan) -> String {
    if plan.relaxations.contains(.limits) { return "without limits" }
    let limits = plan.limits
    return "with \(mebibytes(limits.memory)) of memory, \(limits.cpu) thousandths of a core and "
      + "\(limits.processes) processes"
  }

  static func stubborn(_ signal: StopSignal, _ grace: Duration) -> String {
    "killed: did not end within \(grace.formatted) of \(signal.name); handle it, or exec the program so that it gets it"
  }

  static func ended(_ end: Resident.End, _ cause: ReplicaEnd.Cause, _ limits: ReplicaLimits) -> String {
    switch cause {
    case .stopped: return "stopped"
    case .outOfMemory(let limit):
      return "killed: used more than \(mebibytes(limit)) of memory (what it wrote to $HOME counts); use less, or raise "
        + "the app's tier or memory"
    case .exited(let status): return "ended with exit status \(status)" + memory(end, limits)
    case .signalled(let number): return "ended by \(StopSignal.name(of: number))" + memory(end, limits)
    }
  }

  private static func memory(_ end: Resident.End, _ limits: ReplicaLimits) -> String {
    guard end.memoryKills > 0 else { return "" }
    return "; \(end.memoryKills) of its processes were killed before, as it used more than "
      + "\(mebibytes(limits.memory)) of memory"
  }

  static func dropped(_ bytes: Int) -> String {
    "\(ByteCount(Int64(bytes))) of output were left out: a replica may write "
      + "\(mebibytes(ReplicaOutput.bytesPerSecond)) a second"
  }

  private static func mebibytes(_ count: ByteCount) -> String { "\(count.bytes >> 20) MiB" }
}

extension Duration {
  /// As in `10 s` or `200 ms`.
  fileprivate var formatted: String {
    let milliseconds = Int64(self / .milliseconds(1))
    return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
  }
}
