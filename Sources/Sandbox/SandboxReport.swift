import Diagnostics
import Glibc
import SystemPackage

/// The init's one line about how it went.
enum SandboxReport: Hashable {
  case ended(ExitStatus)
  /// `step` is the word the C side calls `fail` with.
  case failed(step: String, error: Errno, detail: String)
  /// The init was killed before it could say anything.
  case missing

  /// Reads the first line; a second one follows when the command's own child has failed before its exec.
  init(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    let line = text.split(separator: "\n", maxSplits: 1).first ?? ""
    let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
    self =
      switch (words.first, words.count) {
      case ("exited", 2): Int32(words[1]).map { .ended(.exited($0)) } ?? .missing
      case ("signalled", 2): Int32(words[1]).map { .ended(.signalled($0)) } ?? .missing
      case ("failed", 4):
        Int32(words[2]).map {
          .failed(step: String(words[1]), error: Errno(rawValue: $0), detail: String(words[3]))
        } ?? .missing
      default: .missing
      }
  }

  /// The command's status, or why there is none.
  func status() throws(Failure) -> ExitStatus {
    switch self {
    case .ended(let status): return status
    case .failed(let step, let error, let detail): throw Self.failure(step: step, error: error, detail: detail)
    case .missing:
      throw Failure(
        .internal,
        reason: "sandbox-died",
        "sandbox ended without a word",
        hint: "look for the out-of-memory killer in the kernel's log (dmesg)"
      )
    }
  }

  static func failure(step: String, error: Errno, detail: String) -> Failure {
    let refused = error == .notPermitted || error == .permissionDenied
    let cause = "\(step) \(detail): \(error)"
    switch step {
    case "workdir":
      return Failure(
        .failedPrecondition,
        reason: "workdir-missing",
        error == .noSuchFileOrDirectory
          ? "working directory \"\(detail)\" does not exist in the image"
          : "working directory \"\(detail)\" can't be entered",
        hint: "make it with WORKDIR \(detail)",
        cause: error == .noSuchFileOrDirectory ? nil : error.description
      )
    case "exec", "exec-start", "user-unknown", "group-unknown": return startFailure(step, error, detail)
    case "user":
      return Failure(
        .failedPrecondition,
        reason: "sandbox-user-unmapped",
        "user \(detail) is not available here",
        hint: UserNamespace.situation.warning ?? "use a smaller number, or run the server as root",
        cause: cause
      )
    case "namespace", "network":
      return Failure(
        refused ? .failedPrecondition : .internal,
        reason: "sandbox-namespace",
        "namespaces of a command can't be made",
        hint: "run `kindling doctor`: it names what is missing",
        cause: cause
      )
    case "seccomp":
      return Failure(
        .failedPrecondition,
        reason: "sandbox-seccomp",
        "system calls of a command can't be restricted",
        hint: "run `kindling doctor`: it names what is missing; RUN --security=insecure does without",
        cause: cause
      )
    case "layer", "layers", "overlay":
      return overlayFailure(step: step, error: error, cause: cause)
    case "bind", "mount-point":
      return Failure(.failedPrecondition, reason: "sandbox-mount", "\"\(detail)\" can't be mounted", cause: cause)
    default:
      return Failure(
        refused ? .failedPrecondition : .internal,
        reason: "sandbox-\(step)",
        "root of a command can't be put together",
        hint: refused ? "run `kindling doctor`: it names what is missing" : nil,
        cause: cause
      )
    }
  }

  /// What keeps a resident command from beginning. Docker: the words of its runtime.
  private static func startFailure(_ step: String, _ error: Errno, _ detail: String) -> Failure {
    switch (step, error) {
    case ("user-unknown", _), ("group-unknown", _):
      return Failure(
        .failedPrecondition, reason: step, "\(step.prefix { $0 != "-" }) '\(detail)' is not in the image",
        hint: "name it by its number, as in USER 1000")
    case (_, Errno(rawValue: ENOEXEC)):
      return Failure(
        .failedPrecondition, reason: "command-platform",
        "command '\(detail)' can't be run here: exec format error",
        hint: "build the image for this machine's platform; a script needs a first line such as #!/bin/sh")
    case ("exec-start", .noSuchFileOrDirectory):
      return Failure(
        .failedPrecondition, reason: "command-interpreter-missing",
        "command '\(detail)' can't be run: its interpreter or loader is not in the image",
        hint: "link the program statically, use a base image with its libraries, or correct the script's #! line")
    case (_, .noSuchFileOrDirectory), (_, .notDirectory):
      return Failure(
        .failedPrecondition, reason: "command-missing",
        detail.contains("/")
          ? "command '\(detail)' is not in the image" : "command '\(detail)' is not in the image's PATH",
        hint: "correct CMD or ENTRYPOINT, or COPY the program into the image")
    default:
      return Failure(
        .failedPrecondition, reason: "command-not-executable", "command '\(detail)' can't be run: \(error)",
        hint: "make it executable for the image's user: COPY --chmod=755")
    }
  }

  private static func overlayFailure(step: String, error: Errno, cause: String) -> Failure {
    if step == "layers" {
      return Failure(
        .failedPrecondition,
        reason: "sandbox-too-many-layers",
        "image has more layers than this kernel can stack",
        hint: "a kernel from 6.5 on takes 500; or join instructions",
        cause: cause
      )
    }
    return Failure(
      step == "overlay" && error != .noSpace ? .failedPrecondition : .internal,
      reason: "sandbox-overlay",
      "overlay of the image's layers can't be mounted",
      hint: "the data directory must be on a file system that overlay can write to, such as ext4, xfs or btrfs; "
        + "run `kindling doctor`",
      cause: cause
    )
  }
}
