import Diagnostics

extension GitAddressParser {
  /// An address cut at its query and its fragment.
  struct Parts {
    var location: Substring
    var query: Substring?
    var fragment: Substring?
  }

  /// Only a URL has a query; in a path, `?` is a letter like others.
  func split(_ text: Substring, query hasQuery: Bool) -> Parts {
    let location = text.prefix { $0 != "#" }
    let fragment = location.endIndex < text.endIndex ? text[text.index(after: location.endIndex)...] : nil
    guard hasQuery, let mark = location.firstIndex(of: "?") else {
      return Parts(location: location, fragment: fragment)
    }
    return Parts(location: location[..<mark], query: location[location.index(after: mark)...], fragment: fragment)
  }

  /// Reads `#reference:folder`, Kaniko's `#reference#commit`, and the query form.
  func takeAdditions(_ parts: Parts, into address: inout GitAddress) throws(Failure) {
    if let query = parts.query, !query.isEmpty { try takeQuery(query, into: &address) }
    guard let fragment = parts.fragment, !fragment.isEmpty else { return }
    let pieces = fragment.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    if pieces.count > 1, !pieces[1].isEmpty { try setCommit(pieces[1], of: &address) }
    let named = pieces[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    if named.count > 1, !named[1].isEmpty { try setFolder(named[1], of: &address) }
    if let reference = named.first, !reference.isEmpty { try setReference(String(reference), of: &address) }
  }

  /// BuildKit's query form (Dockerfile reference, `ADD <git ref>`; "URL queries" of the build context).
  private func takeQuery(_ query: Substring, into address: inout GitAddress) throws(Failure) {
    for field in query.split(separator: "&") {
      let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let key = String(parts[0])
      guard let value = PercentCoding.decoded(parts.count > 1 ? parts[1] : "") else {
        throw refused("value of \"\(RemoteText.clean(key))\" is not percent-encoded as a URL must be")
      }
      if value.isEmpty, !["submodules", "keep-git-dir"].contains(key) { continue }
      switch key {
      case "ref": try setReference(value, of: &address)
      case "branch": try setReference("refs/heads/\(value)", of: &address)
      case "tag": try setReference("refs/tags/\(value)", of: &address)
      case "subdir": try setFolder(value[...], of: &address)
      case "commit", "checksum": try setCommit(value[...], of: &address)
      case "submodules": address.includesSubmodules = try switchValue(value, of: key)
      case "keep-git-dir": address.keepsGitDirectory = try switchValue(value, of: key)
      default:
        // The value may be a token, so the key alone is named.
        throw refused("query \"\(RemoteText.clean(key))\" is not known")
      }
    }
  }

  private func setReference(_ name: String, of address: inout GitAddress) throws(Failure) {
    if address.reference != nil { throw refused("more than one reference is named") }
    guard ReferenceName.isValid(name) else {
      throw refused("\"\(RemoteText.clean(name))\" cannot be the name of a reference")
    }
    // Docker: `AddressTests/"query and fragment"` — `pull/42/head` is short for the whole name.
    let isRequest = ["pull/", "merge-requests/"].contains(where: name.hasPrefix)
    address.reference = isRequest ? "refs/\(name)" : name
  }

  private func setCommit(_ text: Substring, of address: inout GitAddress) throws(Failure) {
    guard let id = ObjectID(hex: text) else {
      throw refused("\"\(RemoteText.clean(String(text)))\" is not a commit's name of 40 or 64 digits")
    }
    if let other = address.commit, other != id { throw refused("more than one commit is named") }
    address.commit = id
  }

  private func setFolder(_ text: Substring, of address: inout GitAddress) throws(Failure) {
    if address.subdirectory != nil { throw refused("more than one folder is named") }
    address.subdirectory = try Self.folder(String(text))
  }

  /// A folder inside a repository, without `.` and doubled slashes; nil for the root; throws for `..` and absolute
  /// ones.
  package static func folder(_ text: String) throws(Failure) -> String? {
    let parts = text.split(separator: "/").filter { $0 != "." }
    let isClean = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    guard !text.hasPrefix("/"), !parts.contains(".."), isClean else {
      throw Failure(
        .invalidArgument, reason: "git-address-folder",
        "folder \"\(RemoteText.clean(text))\" is not a path inside the repository",
        hint: "write it relative to the root of the repository, without \"..\"")
    }
    return parts.isEmpty ? nil : parts.joined(separator: "/")
  }

  private func switchValue(_ value: String, of key: String) throws(Failure) -> Bool {
    switch value.lowercased() {
    case "", "1", "true": return true
    case "0", "false": return false
    default: throw refused("value of \"\(key)\" is neither true nor false")
    }
  }

  private func refused(_ message: String) -> Failure {
    Failure(
      .invalidArgument, reason: "git-address-syntax", "in the address \"\(Self.redacted(text))\", \(message)",
      hint: "write #reference:folder, or ?branch=, tag=, ref=, commit=, subdir=, submodules= and keep-git-dir=")
  }
}
