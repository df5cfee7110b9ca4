import Diagnostics
import Outbound

/// Tells a git server's answer from all the other things a web server says.
struct HTTPAnswerCheck {
  /// The repository that was asked.
  let url: OutboundURL
  /// Whether the request that is answered brought them.
  let hasSentCredentials: Bool

  /// Throws, with the answer put away, unless it is a good one of this content type.
  func check(_ answer: OutboundAnswer, contentType: String) async throws(Failure) {
    let type = (answer.header("content-type") ?? "").prefix { $0 != ";" }.lowercased()
    if answer.status == 200, type == contentType { return }
    let failure = failure(answer, type: type)
    await answer.discard()
    throw failure
  }

  private func failure(_ answer: OutboundAnswer, type: String) -> Failure {
    let asked = url.display
    switch answer.status {
    case 200: return notGit(answer, type: type)
    case 401 where answer.url.origin != url.origin:
      return Failure(
        .unauthenticated, reason: "git-auth-required",
        "\"\(asked)\" is redirected to \"\(answer.url.origin)\", which asks for credentials",
        hint: "use the URL that the repository moved to: credentials are not handed to another server")
    case 401 where hasSentCredentials:
      return Failure(
        .permissionDenied, reason: "git-auth-refused", "\"\(asked)\" refuses the credentials",
        hint: "check the user name and that the token is valid and may read the repository")
    case 401:
      return Failure(
        .unauthenticated, reason: "git-auth-required", "\"\(asked)\" asks for credentials",
        hint: "save git credentials for it; many servers also say this of repositories that don't exist")
    case 403:
      return Failure(
        .permissionDenied, reason: "git-auth-refused", "\"\(asked)\" may not be read",
        hint: "check that the token may read the repository, and whether the server limits requests")
    case 404, 410:
      return Failure(
        .notFound, reason: "git-repository-not-found", "\"\(asked)\" is not a repository of that server",
        hint: "check the spelling; private repositories may also be shown like this to whom they don't know")
    default:
      return Failure(
        answer.status >= 500 || answer.status == 429 ? .unavailable : .failedPrecondition, reason: "git-http-status",
        "\"\(asked)\" answers with the status \(answer.status)",
        hint: "look at the log of the git server, or try again later")
    }
  }

  /// Web pages, above all those to log in, and servers that only offer the files of a repository.
  private func notGit(_ answer: OutboundAnswer, type: String) -> Failure {
    let kind: String
    switch type {
    case "text/html", "application/xhtml+xml": kind = "a web page"
    case "text/plain": kind = "plain files, as a web server without git does"
    default: kind = "content of the type \"\(RemoteText.clean(type))\""
    }
    return Failure(
      .failedPrecondition, reason: "git-not-git",
      "\"\(answer.url.display)\" is not served by git: it answers with \(kind)",
      hint:
        "check the URL (most end in .git); a page to log in means that the server wants credentials it can't ask for")
  }
}
