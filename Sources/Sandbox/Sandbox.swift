import CSandbox
import Diagnostics
import Dispatch
import SystemPackage

/// Runs one command inside a root, in namespaces of its own.
///
/// `executable` is started again as the sandbox's init: it must be a program that links this module, usually ourselves.
package struct Sandbox: Sendable {
  private let executable: FilePath

  package init(executable: FilePath = "/proc/self/exe") {
    self.executable = executable
    csandbox_anchor()
  }

  /// Runs the command to its end; `output` is called from one thread, in order, and for the last time before `run`
  /// returns.
  ///
  /// No process of the command outlives the run: what it left in the background is killed, as is everything when our
  /// own process dies. Cancelling the task kills all at once, and then a failure with the code `cancelled` is thrown.
  /// The upper directory is complete afterwards, without any trace of the mounts.
  package func run(
    _ command: SandboxCommand,
    output: @escaping @Sendable (OutputChunk) -> Void
  ) async throws(Failure) -> ExitStatus {
    let description = try SandboxDescription(command, inUserNamespace: UserNamespace.isInside)
    if Task.isCancelled { throw Self.cancelled }
    let run = try SandboxRun(executable: executable, description: description)
    let report = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        // A serial queue has a thread of its own while it works, so a long command holds up nobody else.
        DispatchQueue(label: "sandbox").async { continuation.resume(returning: SandboxReport(run.drain(output))) }
      }
    } onCancel: {
      run.kill()
    }
    if run.wasKilled { throw Self.cancelled }
    return try report.status()
  }

  private static let cancelled = Failure(.cancelled, reason: "cancelled", "command was cancelled")
}
