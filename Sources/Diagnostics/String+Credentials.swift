extension String {
  /// The text with user and password taken out of every URL in it: `https://user:token@host` reads `https://***@host`.
  ///
  /// For what people see of a Dockerfile: a token somebody wrote into a URL is in their file, and in no log.
  package var withoutCredentials: String { masked(queries: false) }

  /// The same without the URLs' queries, which may be signatures: `https://host/x?…`.
  package var withoutSecrets: String { masked(queries: true) }

  private func masked(queries: Bool) -> String {
    var result: [UInt8] = []
    var rest = Array(utf8)[...]
    while let scheme = rest.firstRange(of: Array("://".utf8)) {
      result += rest[..<scheme.upperBound]
      rest = rest[scheme.upperBound...]
      // Of several at signs the last ends the userinfo, as browsers and curl read it.
      let end = rest.firstIndex { $0 <= 0x20 || "/?#\"'".utf8.contains($0) } ?? rest.endIndex
      if let at = rest[..<end].lastIndex(of: UInt8(ascii: "@")) {
        result += Array("***".utf8)
        rest = rest[at...]
      }
      let close = rest.firstIndex { $0 <= 0x20 || "#\"'".utf8.contains($0) } ?? rest.endIndex
      guard queries, let query = rest[..<close].firstIndex(of: UInt8(ascii: "?")) else { continue }
      result += rest[...query] + Array("…".utf8)
      rest = rest[close...]
    }
    return String(decoding: result + rest, as: UTF8.self)
  }
}
