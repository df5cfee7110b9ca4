import Diagnostics
import Glibc
import SystemPackage

extension Failure {
  /// A pack that breaks its format; `offset` is where in the pack the entry begins.
  static func packCorrupt(_ message: String, at offset: Int64? = nil, cause: String? = nil) -> Failure {
    Failure(
      .dataLoss, reason: "git-pack-corrupt", offset.map { "pack is damaged at offset \($0): \(message)" } ?? message,
      hint: "fetch again; if it fails again, the remote's repository is damaged (git fsck there)", cause: cause)
  }

  /// An object whose content breaks its format.
  static func objectCorrupt(_ id: ObjectID?, _ message: String) -> Failure {
    Failure(
      .dataLoss, reason: "git-object-corrupt", id.map { "object '\($0)' is damaged: \(message)" } ?? message,
      hint: "the repository is damaged; look at it with git fsck")
  }

  static func gitLimit(_ reason: String, _ message: String, name: String) -> Failure {
    Failure(
      .failedPrecondition, reason: reason, message,
      hint: GitLimits.hint(name))
  }

  static func objectTooLarge(_ size: Int64, limit: ByteCount) -> Failure {
    gitLimit(
      "git-object-too-large", "an object has \(size) bytes, more than the \(limit) allowed", name: "object-size")
  }

  /// What a system call on a file said; `doing` completes "file '…' cannot be …".
  static func gitFile(_ code: CInt, _ doing: String, _ path: FilePath) -> Failure {
    let message = "file '\(path)' cannot be \(doing)"
    let cause = Errno(rawValue: code).description
    switch code {
    case ENOENT, ENOTDIR: return Failure(.notFound, reason: "file-not-found", message, cause: cause)
    case ENOSPC, EDQUOT:
      return Failure(.resourceExhausted, reason: "disk-full", message, hint: "free space on the disk", cause: cause)
    case EACCES, EPERM:
      return Failure(
        .permissionDenied, reason: "file-permission", message, hint: "give the user who runs this access to the file",
        cause: cause)
    case EMFILE, ENFILE:
      return Failure(
        .resourceExhausted, reason: "too-many-open-files", message,
        hint: "raise the limit of open files with 'ulimit -n'", cause: cause)
    default: return Failure(.internal, reason: "file-io", message, cause: cause)
    }
  }
}

/// Ends long work when the task it is done for is cancelled.
func checkGitCancellation() throws(Failure) {
  guard !Task.isCancelled else { throw Failure(.cancelled, reason: "cancelled", "the fetch was cancelled") }
}
