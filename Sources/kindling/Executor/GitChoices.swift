import Diagnostics
import Git

/// What `--git` and `--git-limit` say about a git context.
struct GitChoices: Sendable, Hashable {
  /// The branch, tag or commit when the address names none.
  var reference: String?
  var includesSubmodules = false
  /// What the server may make this machine do: `--git-limit`.
  var limits = GitLimits()

  /// Throws `flag-value-invalid` for a setting nobody knows, and what `GitLimits` throws.
  init(_ flags: FlagValues) throws(Failure) {
    limits = try GitLimits(settings: flags.all("git-limit"))
    for text in flags.all("git") {
      for part in text.split(separator: ",") {
        let (key, value) = try FlagValues.pair("git", String(part))
        switch key {
        case "branch": reference = value
        case "recurse-submodules":
          guard let isOn = FlagValues.bool(value) else { throw FlagValues.invalid("git", text, "true or false") }
          includesSubmodules = isOn
        // Here: never more than one commit of one branch is fetched.
        case "single-branch", "depth": break
        default:
          throw FlagValues.invalid("git", text, "branch=NAME, recurse-submodules=BOOL, single-branch=BOOL or depth=N")
        }
      }
    }
  }
}
