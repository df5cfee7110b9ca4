import Diagnostics

/// Where a submodule's repository is, and whether it may be fetched.
enum SubmoduleAddress {
  /// Reads a URL of `.gitmodules`; `./` and `../` count from the parent's URL (git-submodule, "add").
  ///
  /// From a repository on the network no `file://` is followed, which would open this machine to whoever wrote the
  /// commit (CVE-2022-39253), and nothing but what is `allowed`. Throws `git-submodule-address`,
  /// `git-transport-refused`.
  static func resolve(
    _ url: String, parent: GitAddress, path: String, allowed: Set<GitAddress.Transport>
  ) throws(Failure) -> GitAddress {
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
    guard allowed.contains(address.transport) else {
      throw .gitTransportRefused("submodule '\(path)'", address.transport)
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

extension Failure {
  /// `what` would use something of this machine that whoever fetches may not use.
  static func gitTransportRefused(_ what: String, _ transport: GitAddress.Transport) -> Failure {
    switch transport {
    case .ssh:
      Failure(
        .permissionDenied, reason: "git-transport-refused",
        "\(what) needs the ssh keys of this machine, which this fetch may not use",
        hint: "use its https address, fetch without submodules, or start the server with --allow-git ssh")
    case .file:
      Failure(
        .permissionDenied, reason: "git-transport-refused",
        "\(what) is a folder of this machine, which this fetch may not read",
        hint: "use its https address, fetch without submodules, or start the server with --allow-git local")
    case .https, .http:
      Failure(
        .permissionDenied, reason: "git-transport-refused",
        "\(what) is behind \(transport.rawValue), which this fetch may not use", hint: "use its other address")
    }
  }
}
