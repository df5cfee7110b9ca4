/// Words of ADD that name something to fetch.
enum RemoteSource {
  case url
  case git

  /// Nil for a path of the context.
  ///
  /// Docker: a URL is a repository when its path ends in `.git`; `git@host:path`, `git://` and `ssh://` always are one.
  init?(_ word: String) {
    let isWeb = ["http://", "https://"].contains { word.lowercased().hasPrefix($0) }
    if isWeb {
      let end = word.firstIndex { $0 == "#" || $0 == "?" } ?? word.endIndex
      self = word[..<end].hasSuffix(".git") ? .git : .url
    } else if ["git://", "ssh://", "git@"].contains(where: { word.hasPrefix($0) }) {
      self = .git
    } else {
      return nil
    }
  }

  /// The text without what may be a password: user and query. For messages, plans and events.
  static func shown(_ text: String) -> String {
    guard let scheme = text.firstRange(of: "://") else { return text }
    let rest = text[scheme.upperBound...]
    let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
    let host = rest[..<end]
    let bare = host.lastIndex(of: "@").map { host[host.index(after: $0)...] } ?? host
    let path = rest[end...]
    guard let query = path.firstIndex(of: "?") else { return String(text[..<scheme.upperBound]) + bare + path }
    return String(text[..<scheme.upperBound]) + bare + path[..<query] + "?…"
  }

  /// The last name of a URL's path, decoded; nil when it has none.
  static func fileName(of url: String) -> String? {
    guard let scheme = url.firstRange(of: "://") else { return nil }
    let rest = url[scheme.upperBound...]
    let end = rest.firstIndex { $0 == "?" || $0 == "#" } ?? rest.endIndex
    guard let slash = rest[..<end].firstIndex(of: "/") else { return nil }
    let names = decoded(rest[slash..<end]).split(separator: UInt8(ascii: "/"))
    guard let last = names.last, !last.isDots, !last.contains(0) else { return nil }
    return String(validating: last, as: UTF8.self)
  }

  private static func decoded(_ text: Substring) -> [UInt8] {
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(2)
      if byte == UInt8(ascii: "%"), digits.count == 2,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
      {
        result.append(value)
        rest = rest.dropFirst(2)
      } else {
        result.append(byte)
      }
    }
    return result
  }
}

extension ArraySlice<UInt8> {
  fileprivate var isDots: Bool { elementsEqual([0x2E]) || elementsEqual([0x2E, 0x2E]) }
}
