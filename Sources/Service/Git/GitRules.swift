import Diagnostics
import Git
import Storage

/// Which repositories builds may be made from, and what of a request is kept.
package struct GitRules: Sendable, Hashable {
  /// Repositories of this machine: `file://` and paths.
  ///
  /// Here: off unless asked, since the files of whoever runs the server are not those of everybody who may call it;
  /// `GitRulesTests/"this machine's own repositories and keys are for builds only where the server was told so"`.
  package var allowsLocal: Bool
  /// Repositories over ssh, with this machine's own keys; off for the same reason.
  package var allowsSSH: Bool

  package init(allowsLocal: Bool = false, allowsSSH: Bool = false) {
    self.allowsLocal = allowsLocal
    self.allowsSSH = allowsSSH
  }

  /// How a fetch may reach repositories: the source's own, those that ADD names, and those of submodules.
  var transports: Set<GitAddress.Transport> {
    GitAddress.Transport.web.union(allowsLocal ? [.file] : []).union(allowsSSH ? [.ssh] : [])
  }

  /// What a build's record keeps of a request's source; throws INVALID_ARGUMENT for what can never be fetched, and
  /// for a URL with a user or a password in it, which a record would keep and show.
  ///
  /// A reference and a folder may stand in the URL too (`#reference:folder`), as long as they agree.
  func source(url: String, reference: String, directory: String) throws(Failure) -> GitBuildSource {
    guard !url.isEmpty else {
      throw Failure(
        .invalidArgument, reason: "git-url-missing", "git_source has no url",
        hint: "for example https://git.example/acme/app.git")
    }
    let address = try address(url)
    guard reference.isEmpty || ReferenceName.isValid(reference) else {
      throw Failure(
        .invalidArgument, reason: "git-reference-invalid", "reference '\(Shown.text(reference))' cannot exist in git",
        hint: "give a branch, a tag, a full name such as refs/pull/7/head, or a commit")
    }
    let folder = try Self.folder(directory)
    return GitBuildSource(
      url: url,
      reference: try Self.one(reference, or: address.commit?.hex ?? address.reference, "reference"),
      directory: try Self.one(folder, or: address.subdirectory, "context_dir"))
  }

  /// The fetch that brings a kept source. What only the URL can say, `?submodules=true` and `?keep-git-dir=true`,
  /// counts too; otherwise submodules are left empty, and there is no `.git`.
  func order(
    _ source: GitBuildSource, credentials: GitCredentials?, scope: String
  ) throws(Failure) -> GitTreeOrder {
    let address = try address(source.url)
    return GitTreeOrder(
      address: address, reference: source.reference, directory: source.directory, credentials: credentials,
      scope: scope, includesSubmodules: address.includesSubmodules ?? false,
      keepsGitDirectory: address.keepsGitDirectory ?? false, transports: transports)
  }

  /// The address behind `url`, when builds may fetch from it.
  func address(_ url: String) throws(Failure) -> GitAddress {
    let address: GitAddress
    do throws(Failure) { address = try GitAddress(parsing: url) } catch {
      var failure = error
      if failure.reason == "git-address-credentials" {
        failure.hint = "take them out of the URL, and save them once with SaveBuildSecrets git_credentials"
      }
      throw failure
    }
    switch address.transport {
    case .http, .https: return address
    case .file where allowsLocal, .ssh where allowsSSH: return address
    case .file:
      throw Failure(
        .invalidArgument, reason: "git-transport-refused",
        "git_source '\(address.url)' is a repository of the server's own machine, which builds may not fetch from",
        hint: "start the server with --allow-git local, or send the tree: kindling build .")
    case .ssh:
      throw Failure(
        .invalidArgument, reason: "git-transport-refused",
        "git_source '\(address.url)' needs the ssh keys of the server's own machine, which builds may not use",
        hint: "use its https address, or start the server with --allow-git ssh")
    }
  }

  /// Relative, without `.`; empty for the whole tree.
  private static func folder(_ text: String) throws(Failure) -> String {
    let components = text.split(separator: "/")
    guard !text.hasPrefix("/"), !components.contains(".."), text.utf8.count <= 4096,
      !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f })
    else {
      throw Failure(
        .invalidArgument, reason: "git-directory-invalid", "context_dir '\(Shown.text(text))' leaves the repository",
        hint: "give a path relative to the repository's root, without '..'")
    }
    return components.filter { $0 != "." }.joined(separator: "/")
  }

  private static func one(_ asked: String, or inURL: String?, _ member: String) throws(Failure) -> String {
    guard let inURL, !inURL.isEmpty, inURL != asked else { return asked }
    guard asked.isEmpty else {
      throw Failure(
        .invalidArgument, reason: "git-source-ambiguous",
        "\(member) of git_source is '\(asked)', and its url says '\(inURL)'", hint: "say it once")
    }
    return inURL
  }
}
