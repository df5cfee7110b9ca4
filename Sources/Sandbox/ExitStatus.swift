/// How a command ended. Anything but `exited(0)` is a result, not a failure of the sandbox.
package enum ExitStatus: Sendable, Hashable {
  /// Docker: 127 when the command was not found, 126 when it could not be run, with the reason on stderr.
  case exited(Int32)
  /// The number of the signal that killed it.
  case signalled(Int32)
}
