import Diagnostics
import Glibc
import SystemPackage

extension Failure {
  /// What a system call on a file said: `doing` completes "file '…' cannot be …", such as `read`.
  init(errno code: CInt, doing: String, path: FilePath?) {
    let subject = path.map { "file '\($0)'" } ?? "stream"
    let cause = String(cString: strerror(code))
    let message = "\(subject) cannot be \(doing)"
    switch code {
    case ENOENT, ENOTDIR: self.init(.notFound, reason: "file-not-found", message, cause: cause)
    case EACCES, EPERM:
      self.init(
        .permissionDenied,
        reason: "file-permission",
        message,
        hint: "give the user who runs this access to the file",
        cause: cause
      )
    case ENOSPC, EDQUOT:
      self.init(.resourceExhausted, reason: "disk-full", message, hint: "free space on the disk", cause: cause)
    case EMFILE, ENFILE:
      self.init(
        .resourceExhausted,
        reason: "too-many-open-files",
        message,
        hint: "raise the limit of open files with 'ulimit -n'",
        cause: cause
      )
    case ELOOP:
      self.init(.invalidArgument, reason: "file-link-loop", message, hint: "look for a link to itself", cause: cause)
    case ENAMETOOLONG: self.init(.invalidArgument, reason: "file-name-too-long", message, cause: cause)
    default: self.init(.internal, reason: "file-io", message, cause: cause)
    }
  }
}

/// Runs a system call again while signals interrupt it; returns its result, or throws with what `errno` says.
@discardableResult
func retrying<Result: SignedInteger>(
  _ doing: @autoclosure () -> String,
  _ path: @autoclosure () -> FilePath?,
  _ call: () -> Result
) throws(Failure) -> Result {
  while true {
    let result = call()
    if result >= 0 { return result }
    if errno == EINTR { continue }
    throw Failure(errno: errno, doing: doing(), path: path())
  }
}
