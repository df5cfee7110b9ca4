import Diagnostics

/// Where a submodule's repository is, and whether it may be fetched.
enum SubmoduleAddress {
  /// Reads a URL of `.gitmodules`; `./` and `../` count from the parent's URL (git-submodule, "add").
  ///
  /// From a repository on the network only `http`, `https` and `ssh` are followed: a `file://` would open this machine
  /// to whoever wrote the commit (CVE-2022-39253). Throws `git-submodule-address`.
  static func resolve(_ url: String, parent: GitAddress, path: String) throws(Failure) -> GitAddress {
    let isRelative = url.hasPrefix("./") || url.hasPrefix("../") || url == ".."
    let address: GitAddress
    do throws(Failure) {
      address = isRelative ? try relative(url, to: parent) : try GitAddress(parsing: url)
    } catch {
      throw refused(url, path, "cannot be fetched", cause: error.message)
    }
    guard address.reference == nil, address.commit == nil, address.subdirectory == nil else {
      throw refused(url, path, "names more than a repository")
    }
    guard address.transport != .file || parent.transport == .file else {
      throw refused(url, path, "is a path of this machine")
    }
    guard address.transport != .http || parent.transport != .https || address.host != parent.host else {
      throw refused(url, path, "leaves https for http")
    }
    return address
  }

  /// Credentials stay with the server they are for.
  static func credentials(_ credentials: GitCredentials?, of owner: GitAddress, for address: GitAddress)
    -> GitCredentials?
  {
    owner.transport == address.transport && owner.host == address.host && owner.port == address.port
      ? credentials : nil
  }

  private static func relative(_ url: String, to parent: GitAddress) throws(Failure) -> GitAddress {
    var parts = parent.path.split(separator: "/", omittingEmptySubsequences: true)[...]
    for step in url.split(separator: "/") where step != "." {
      if step == ".." {
        guard parts.popLast() != nil else {
          throw Failure(.invalidArgument, reason: "git-address-invalid", "it climbs above the server's root")
        }
      } else {
        parts.append(step)
      }
    }
    // Read as a whole address, so that nothing gets in that could not be written there.
    var address = parent
    address.path = (parent.path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    return try GitAddress(parsing: address.url)
  }

  private static func refused(_ url: String, _ path: String, _ why: String, cause: String? = nil) -> Failure {
    Failure(
      .invalidArgument, reason: "git-submodule-address",
      "the address of the submodule '\(path)' \(why)",
      hint: "fetch without submodules, or ask the repository's owner to correct .gitmodules", cause: cause)
  }
}
