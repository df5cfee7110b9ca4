import Diagnostics

/// Reads one address; keeps the text for messages.
struct GitAddressParser {
  let text: String
  let userinfo: GitAddress.UserinfoRule
  let pullMethod: GitAddress.Transport

  mutating func parse() throws(Failure) -> GitAddress {
    guard !text.isEmpty else { throw failure("empty", "address of the repository is empty") }
    guard text.utf8.count <= 8192 else {
      throw failure("syntax", "address of the repository is longer than 8192 bytes")
    }
    try refuseControlCharacters()
    try refuseHiddenMarks()
    if text.hasPrefix("-") { throw failure("syntax", "address \"\(safeText)\" begins with \"-\"") }
    if let end = text.firstRange(of: "://") {
      return try parse(scheme: text[..<end.lowerBound].lowercased(), rest: text[end.upperBound...])
    }
    if let helper = text.firstRange(of: "::"), !text[..<helper.lowerBound].contains(where: { "@[/".contains($0) }) {
      throw unknownTransport(String(text[..<helper.lowerBound]))
    }
    if text.hasPrefix("github.com/") { return try parse(scheme: "https", rest: text[...]) }
    if let colon = colonOfSCP() { return try parseSCP(colon) }
    return try parseLocal(text[...])
  }

  // MARK: forms

  private func parse(scheme: String, rest: Substring) throws(Failure) -> GitAddress {
    switch scheme {
    case "https", "http": return try parseHTTP(scheme == "https" ? .https : .http, rest)
    case "git":
      // Kaniko: `AddressTests/"Kaniko's git:// is a transport to be chosen"` — never the protocol of that name.
      guard pullMethod == .https || pullMethod == .http else { throw unknownTransport(pullMethod.rawValue) }
      let address = try parseHTTP(pullMethod, rest)
      if address.port == 9418 { throw unknownTransport("git") }
      return address
    case "ssh": return try parseSSH(rest)
    case "file":
      let host = rest.prefix { $0 != "/" }
      guard host.isEmpty || host == "localhost" else {
        throw failure("syntax", "address \"\(safeText)\" names a host, which a file has not")
      }
      return try parseLocal(rest.dropFirst(host.count), isURL: true)
    default: throw unknownTransport(scheme)
    }
  }

  private func parseHTTP(_ transport: GitAddress.Transport, _ rest: Substring) throws(Failure) -> GitAddress {
    let parts = split(rest, query: true)
    let authority = parts.location.prefix { $0 != "/" }
    var address = GitAddress(transport: transport, path: String(parts.location.dropFirst(authority.count)))
    guard address.path.contains(where: { $0 != "/" }) else {
      throw failure("syntax", "address \"\(safeText)\" names a host but no repository")
    }
    let login = try takeAuthority(authority, into: &address)
    if let login {
      guard userinfo == .allowed else {
        throw Failure(
          .invalidArgument, reason: "git-address-credentials",
          "address \"\(safeText)\" carries a user or password, which would be shown and stored with it",
          hint: "leave them out of the URL and save them as git credentials")
      }
      address.credentials = try credentials(login)
    }
    try takeAdditions(parts, into: &address)
    return address
  }

  private func parseSSH(_ rest: Substring) throws(Failure) -> GitAddress {
    let parts = split(rest, query: true)
    let authority = parts.location.prefix { $0 != "/" }
    var address = GitAddress(transport: .ssh, path: try decoded(parts.location.dropFirst(authority.count)))
    let login = try takeAuthority(authority, into: &address)
    // A home directory is relative to no root.
    if address.path.hasPrefix("/~") { address.path.removeFirst() }
    try finishSSH(&address, login: login)
    try takeAdditions(parts, into: &address)
    return address
  }

  private func parseSCP(_ colon: String.Index) throws(Failure) -> GitAddress {
    let parts = split(text[text.index(after: colon)...], query: false)
    var address = GitAddress(transport: .ssh, path: String(parts.location))
    // The colon ends the host here, so what looks like a port is a folder.
    let login = try takeAuthority(text[..<colon], into: &address)
    try finishSSH(&address, login: login)
    try takeAdditions(parts, into: &address)
    return address
  }

  private func finishSSH(_ address: inout GitAddress, login: Substring?) throws(Failure) {
    guard address.path.contains(where: { $0 != "/" }) else {
      throw failure("syntax", "address \"\(safeText)\" names a host but no repository")
    }
    if address.path.hasPrefix("-") {
      throw failure("syntax", "path in the address \"\(safeText)\" begins with \"-\"")
    }
    guard let login else { return }
    if login.contains(":") {
      throw Failure(
        .invalidArgument, reason: "git-address-credentials",
        "address \"\(safeText)\" carries a password, which ssh does not take",
        hint: "use a key that ssh finds by itself, such as one held by ssh-agent")
    }
    let user = try decoded(login)
    guard isName(user[...]) else {
      throw failure("syntax", "user in the address \"\(safeText)\" is no name")
    }
    address.user = user
  }

  private func parseLocal(_ rest: Substring, isURL: Bool = false) throws(Failure) -> GitAddress {
    let parts = split(rest, query: false)
    guard !parts.location.isEmpty else { throw failure("syntax", "address \"\(safeText)\" names no folder") }
    let path = isURL ? try decoded(parts.location) : String(parts.location)
    var address = GitAddress(transport: .file, path: path)
    try takeAdditions(parts, into: &address)
    return address
  }

  /// The colon between host and path of `user@host:path`, which stands before any slash; a host in brackets may hold
  /// colons of its own.
  private func colonOfSCP() -> String.Index? {
    let head = text.prefix { $0 != "/" && $0 != "#" }
    if let bracket = head.firstIndex(of: "]") {
      let next = text.index(after: bracket)
      return next < text.endIndex && text[next] == ":" ? next : nil
    }
    return head.firstIndex(of: ":")
  }

  // MARK: pieces

  /// Sets host and port; answers what stands before the `@`.
  private func takeAuthority(_ authority: Substring, into address: inout GitAddress) throws(Failure) -> Substring? {
    var host = authority
    var login: Substring?
    if let at = authority.lastIndex(of: "@") {
      login = authority[..<at]
      host = authority[authority.index(after: at)...]
    }
    if let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") {
      let digits = host[host.index(after: colon)...]
      guard digits.isEmpty || digits.allSatisfy({ $0.isASCII && $0.isNumber }),
        let port = digits.isEmpty ? 0 : Int(digits), digits.isEmpty || (1...65535).contains(port)
      else { throw failure("syntax", "port in the address \"\(safeText)\" is no number from 1 to 65535") }
      let usual: [GitAddress.Transport: Int] = [.https: 443, .http: 80, .ssh: 22]
      address.port = digits.isEmpty || usual[address.transport] == port ? nil : port
      host = host[..<colon]
    }
    guard isHost(host) else {
      throw failure("syntax", "host in the address \"\(safeText)\" is no host name or address")
    }
    address.host = host.lowercased()
    return login.flatMap { $0.isEmpty ? nil : $0 }
  }

  private func isHost(_ host: Substring) -> Bool {
    if host.hasPrefix("["), host.hasSuffix("]") {
      return host.count > 3 && host.dropFirst().dropLast().allSatisfy { $0.isHexDigit || ":.".contains($0) }
    }
    return isName(host) && !host.hasPrefix(".")
  }

  private func isName(_ name: Substring) -> Bool {
    !name.isEmpty && !name.hasPrefix("-")
      && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) }
  }

  private func credentials(_ login: Substring) throws(Failure) -> GitCredentials {
    let parts = login.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    return GitCredentials(
      username: try decoded(parts[0]), password: parts.count > 1 ? try decoded(parts[1]) : "")
  }

  /// Percent-decoded; the control characters that decoding brings out were refused before.
  private func decoded(_ text: Substring) throws(Failure) -> String {
    guard let decoded = PercentCoding.decoded(text) else {
      throw failure("syntax", "address \"\(safeText)\" is not percent-encoded as a URL must be")
    }
    return decoded
  }

  /// A newline in a URL ends a line of somebody's protocol further on (CVE-2020-5260, CVE-2024-52006).
  private func refuseControlCharacters() throws(Failure) {
    let bytes = Array((PercentCoding.decoded(text[...]) ?? text).utf8) + Array(text.utf8)
    if bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
      throw failure("syntax", "address \"\(safeText)\" holds a control character")
    }
  }

  /// What is read here by Characters must not find an `@` or a `/` where the bytes have one and miss it.
  private func refuseHiddenMarks() throws(Failure) {
    let marks = Set("@:/?#&=[]%".unicodeScalars)
    guard text.contains(where: { $0.unicodeScalars.count > 1 && $0.unicodeScalars.contains(where: marks.contains) })
    else { return }
    throw failure("syntax", "address \"\(safeText)\" holds a mark that changes the character before it")
  }

  // MARK: messages

  private var safeText: String { Self.redacted(text) }

  /// The text without anything that could be a secret: what stands before an `@` and what a query holds.
  ///
  /// By bytes: a mark that combines with the `@` makes another Character of the two, and hides it.
  static func redacted(_ text: String) -> String {
    var shown = Array(text.utf8)[...]
    var scheme = ""
    var end = ""
    if let query = shown.firstIndex(of: UInt8(ascii: "?")) {
      shown = shown[..<query]
      end = "?…"
    }
    if let at = Array(text.utf8).lastIndex(of: UInt8(ascii: "@")) {
      if let mark = shown.firstRange(of: Array("://".utf8)), mark.upperBound <= at {
        scheme = String(decoding: shown[..<mark.upperBound], as: UTF8.self)
      }
      scheme += "***"
      shown = at < shown.endIndex ? shown[at...] : []
    }
    return RemoteText.clean(scheme + String(decoding: shown, as: UTF8.self) + end)
  }

  private func failure(_ reason: String, _ message: String) -> Failure {
    Failure(
      .invalidArgument, reason: "git-address-\(reason)", message,
      hint: "write it as https://host/path.git, optionally with #reference:folder")
  }

  private func unknownTransport(_ name: String) -> Failure {
    Failure(
      .invalidArgument, reason: "git-address-transport",
      "transport \"\(RemoteText.clean(name))\" of the address \"\(safeText)\" is not one that is used here",
      hint: "use https://, http:// or ssh://")
  }
}
