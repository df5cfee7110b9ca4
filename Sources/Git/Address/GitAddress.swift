import Diagnostics

/// Where a repository is, and what of it is meant: everything people write after `--git-url`, `ADD` or `--context`.
///
/// Read are URLs (`https`, `http`, `ssh`, `file`), `user@host:path` as scp(1) writes it, local paths, Kaniko's
/// `git://host/path#ref#commit`, and BuildKit's `#ref:folder` and `?branch=…&subdir=…`.
package struct GitAddress: Sendable, Hashable {
  package enum Transport: String, Sendable, Hashable, CaseIterable {
    case https, http, ssh, file

    /// What reaches servers with nothing of this machine but its network.
    package static let web: Set<Transport> = [.https, .http]
    /// Also what uses this machine's keys (`ssh`) and its files (`file`).
    package static let every = Set(allCases)
  }

  /// What is done with a user and a password inside a URL.
  package enum UserinfoRule: Sendable, Hashable {
    /// They throw `git-address-credentials`: a URL is stored and shown, and they must not be.
    case refused
    /// They become `credentials`.
    case allowed
  }

  package var transport: Transport
  /// Lower case; nil for `file`. IPv6 addresses are in brackets.
  package var host: String?
  /// Nil where it is the transport's own.
  package var port: Int?
  /// Who logs in over ssh.
  package var user: String?
  /// As it stands in a URL (still percent-encoded) for `https` and `http`; as the remote or this machine opens it for
  /// `ssh` and `file`.
  package var path: String
  /// From the URL's user and password, where `UserinfoRule.allowed` lets them in; part of no text and no key.
  package var credentials: GitCredentials?
  /// A branch, tag or full `refs/…`; a valid reference name.
  package var reference: String?
  /// What the reference must turn out to be.
  package var commit: ObjectID?
  /// Relative, without `.` and `..`; nil for the whole tree.
  package var subdirectory: String?
  /// What the query form says about submodules; nil where it says nothing.
  package var includesSubmodules: Bool?
  /// What the query form says about `.git`; nil where it says nothing.
  package var keepsGitDirectory: Bool?

  /// Reads what somebody wrote; throws `git-address-…` with the text, from which secrets are taken out.
  ///
  /// `pullMethod` is the transport that Kaniko's `git://` stands for (`GIT_PULL_METHOD`).
  package init(
    parsing text: String, userinfo: UserinfoRule = .refused, pullMethod: Transport = .https
  ) throws(Failure) {
    var parser = GitAddressParser(text: text, userinfo: userinfo, pullMethod: pullMethod)
    self = try parser.parse()
  }

  init(transport: Transport, path: String) {
    self.transport = transport
    self.path = path
  }

  /// What to hand to a client: no user and password, no reference. `ssh` keeps the name to log in with.
  ///
  /// Reading it gives the same address again.
  package var url: String {
    guard let host else { return path }
    let login = user.map { "\($0)@" } ?? ""
    guard transport == .ssh else { return "\(transport.rawValue)://\(host)\(portText)\(path)" }
    // Only scp's form can say that a path begins in the home directory.
    if !path.hasPrefix("/"), !path.hasPrefix("~") { return "\(login)\(host):\(path)" }
    let slash = path.hasPrefix("/") ? "" : "/"
    return "ssh://\(login)\(host)\(portText)\(slash)\(PercentCoding.encoded(path))"
  }

  private var portText: String { port.map { ":\($0)" } ?? "" }

  /// What to show to people: `url`, the reference and the folder.
  package var display: String {
    let folder = subdirectory.map { ":\($0)" } ?? ""
    let named = reference ?? commit?.hex ?? ""
    return named.isEmpty && folder.isEmpty ? url : "\(url)#\(named)\(folder)"
  }

  /// One key for one repository, however its address was written; the reference and the folder are not part of it.
  package var identity: String {
    var key = self
    while key.path.count > 1, key.path.hasSuffix("/") { key.path.removeLast() }
    return key.url
  }

  /// Whether `text` is taken for a repository where it could also be a file or an archive: in `ADD` and contexts.
  ///
  /// Docker: `AddressTests/"what is taken for git"` — the same forms BuildKit takes, and Kaniko's `git://`.
  package static func isGit(_ text: String) -> Bool {
    if ["/", "./", "../"].contains(where: text.hasPrefix) { return false }
    if ["git://", "ssh://", "github.com/"].contains(where: text.hasPrefix) { return true }
    if text.hasPrefix("https://") || text.hasPrefix("http://") {
      let path = text.prefix { $0 != "?" && $0 != "#" }
      return path.hasSuffix(".git") && path.split(separator: "/").count > 2
    }
    guard !text.contains("://"), let at = text.firstIndex(of: "@"), let colon = text[at...].firstIndex(of: ":") else {
      return false
    }
    return at > text.startIndex && !text[..<colon].contains("/") && text.index(after: colon) < text.endIndex
  }
}
