import Diagnostics
import Git

/// What the environment says about fetching from git, in the variables Kaniko reads.
enum GitEnvironment {
  /// `GIT_USERNAME` with `GIT_PASSWORD` or `GIT_TOKEN`; nil without a password.
  ///
  /// Here: a token without a name is the password of `x-access-token`, which GitHub, GitLab and Forgejo take; Kaniko
  /// sends it as the name, which GitLab refuses. `FetchCommandTests/"credentials come from the environment"`
  static func credentials(_ environment: [String: String]) -> GitCredentials? {
    func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    guard let password = value("GIT_TOKEN") ?? value("GIT_PASSWORD") else { return nil }
    return GitCredentials(username: value("GIT_USERNAME") ?? "x-access-token", password: password)
  }

  /// What `git://` stands for: `GIT_PULL_METHOD`, https unless it says http.
  static func pullMethod(_ environment: [String: String]) throws(Failure) -> GitAddress.Transport {
    switch environment["GIT_PULL_METHOD"] ?? "" {
    case "", "https": return .https
    case "http": return .http
    default:
      throw Failure(
        .invalidArgument, reason: "git-pull-method-unknown", "GIT_PULL_METHOD is neither 'https' nor 'http'",
        hint: "set it to one of them, or unset it")
    }
  }
}
