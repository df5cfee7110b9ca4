import Diagnostics

/// Which files of which commit of which repository somebody wants.
package struct GitTreeOrder: Sendable {
  package var address: GitAddress
  /// Branch, tag, `refs/…`, or a whole or abbreviated commit id; empty for the branch `main`.
  package var reference: String
  /// From the root of the repository; empty for all of it.
  package var directory: String
  /// Sent only to the address's own host.
  package var credentials: GitCredentials?
  /// Whose fetched objects may be used: the organisation. Two scopes share nothing.
  package var scope: String
  package var includesSubmodules: Bool
  /// How repositories may be reached, those of submodules included. Unless it says more, nobody whose order this is, and
  /// nobody who wrote the commit, gets at this machine's keys and files;
  /// `SubmoduleTests/"a submodule over ssh is fetched only where the order allows ssh"`.
  package var transports: Set<GitAddress.Transport>
  /// Adds a `.git` that knows this one commit.
  package var keepsGitDirectory: Bool

  package init(
    address: GitAddress, reference: String = "", directory: String = "", credentials: GitCredentials? = nil,
    scope: String, includesSubmodules: Bool = false, keepsGitDirectory: Bool = false,
    transports: Set<GitAddress.Transport> = GitAddress.Transport.web
  ) {
    self.address = address
    self.reference = reference
    self.directory = directory
    self.credentials = credentials
    self.scope = scope
    self.includesSubmodules = includesSubmodules
    self.keepsGitDirectory = keepsGitDirectory
    self.transports = transports
  }

  /// The order with what its address says wherever it says nothing itself.
  func completed() -> GitTreeOrder {
    var order = self
    if reference.isEmpty { order.reference = address.reference ?? address.commit?.hex ?? "" }
    if directory.isEmpty { order.directory = address.subdirectory ?? "" }
    order.credentials = credentials ?? address.credentials
    return order
  }

  /// The directory without slashes at its ends, doubled slashes and `.`; throws `git-directory-invalid` for one that is
  /// absolute, climbs, or holds control characters.
  func normalizedDirectory() throws(Failure) -> String {
    var parts: [Substring] = []
    for part in directory.split(separator: "/") where part != "." {
      let problem = Array(part.utf8).withUnsafeBytes { EntryName.problem($0) }
      if problem != nil { throw invalidDirectory("holds '\(quoted(Array(part.utf8)))'") }
      parts.append(part)
    }
    if directory.hasPrefix("/") { throw invalidDirectory("is absolute") }
    if directory.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
      throw invalidDirectory("holds control characters")
    }
    return parts.joined(separator: "/")
  }

  private func invalidDirectory(_ why: String) -> Failure {
    Failure(
      .invalidArgument, reason: "git-directory-invalid",
      "directory '\(quoted(Array(directory.utf8)))' of the repository \(why)",
      hint: "give a path from the repository's root, such as 'services/web'")
  }
}
