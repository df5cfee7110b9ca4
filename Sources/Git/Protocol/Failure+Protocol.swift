import Diagnostics

extension Failure {
  /// A remote that does not keep to the protocol.
  static func gitProtocol(_ message: String) -> Failure {
    Failure(
      .failedPrecondition, reason: "git-protocol-error", "remote breaks the git protocol: \(message)",
      hint: "check that the URL names a git repository; `git ls-remote` with the same URL shows what git makes of it")
  }

  /// A remote that went away in the middle.
  static func gitConnectionLost(_ message: String) -> Failure {
    Failure(
      .unavailable, reason: "git-connection-lost", "remote hung up: \(message)",
      hint: "try again; if it happens at the same place each time, look at the log of the git server")
  }

  /// A remote that takes longer than it may; `limit` is the setting's name.
  static func gitStalled(_ message: String, limit: String) -> Failure {
    Failure(
      .deadlineExceeded, reason: "git-stalled", "remote is too slow: \(message)",
      hint: "try again later; " + GitLimits.hint(limit))
  }

  /// A remote that sends more than it may; `limit` is the setting's name.
  static func gitLimit(_ limit: String, _ message: String) -> Failure {
    Failure(
      .resourceExhausted, reason: "git-\(limit)-limit", message,
      hint: GitLimits.hint(limit))
  }

  /// A list of references, or another answer that is no pack, larger than `listSize`, unpacked.
  static func listTooLarge(_ limit: ByteCount) -> Failure {
    .gitLimit("list-size", "remote's list of references is larger than \(limit)")
  }

  /// A failure of the connection; where one of git's limits is behind it, the hint names that.
  var namingGitLimit: Failure {
    var named = self
    switch reason {
    case "outbound-redirect-limit": named.hint = "check the address; " + GitLimits.hint("redirects")
    case "outbound-timeout":
      named.hint =
        "check the address and try again; \(GitLimits.option) connect-timeout=… and idle-timeout=… allow more"
    default: break
    }
    return named
  }

  /// What the remote itself says went wrong; its words decide whether it refused an object asked for by name.
  static func gitRemote(_ words: String) -> Failure {
    let refusals = ["not our ref", "unadvertised object", "no such object", "want not allowed"]
    if refusals.contains(where: { words.lowercased().contains($0) }) || isInvalidWant(words) {
      return Failure(
        .notFound, reason: "git-want-refused", "remote refuses the object asked for",
        hint: "name a branch or tag that holds the commit", cause: words)
    }
    return Failure(
      .failedPrecondition, reason: "git-remote-error", "remote says \"\(words)\"",
      hint: "look at the log of the git server, or ask the people who run it")
  }

  /// JGit: "want ID not valid"; other things are not valid too, credentials above all.
  private static func isInvalidWant(_ words: String) -> Bool {
    let words = words.lowercased().split(separator: " ")
    return words.indices.dropLast(3).contains { index in
      words[index] == "want" && words[index + 1].allSatisfy(\.isHexDigit) && words[index + 2] == "not"
        && words[index + 3].hasPrefix("valid")
    }
  }
}

extension Failure {
  /// Whoever wanted it no longer does.
  static let gitCancelled = Failure(.cancelled, reason: "cancelled", "fetch from the git remote was cancelled")
}
