import Diagnostics

/// The name of a repository inside a registry, `org/name[/more]` (distribution-spec, "Pulling manifests": `<name>`).
package struct Repository: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
  package let name: String

  /// Throws `name-invalid` unless every path component is lower-case alphanumerics parted by `.`, `_`, `__` or `-`.
  package init(_ name: String) throws(Failure) {
    let components = name.split(separator: "/", omittingEmptySubsequences: false)
    guard name.utf8.count <= 255, !components.isEmpty, components.allSatisfy({ Self.isComponent($0) }) else {
      throw Failure(
        .invalidArgument, reason: "name-invalid",
        "repository name '\(name)' is not lower-case words parted by '/', '.', '_' or '-'")
    }
    self.name = name
  }

  /// One path component: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
  package static func isComponent(_ text: some StringProtocol) -> Bool {
    var separator: [UInt8] = []
    var sawWord = false
    for byte in text.utf8 {
      switch byte {
      case 0x61...0x7a, 0x30...0x39:
        guard separator.isEmpty || (sawWord && isSeparator(separator)) else { return false }
        separator = []
        sawWord = true
      case 0x2e, 0x5f, 0x2d: separator.append(byte)
      default: return false
      }
    }
    return sawWord && separator.isEmpty
  }

  private static func isSeparator(_ bytes: [UInt8]) -> Bool {
    bytes == [0x2e] || bytes == [0x5f] || bytes == [0x5f, 0x5f] || bytes.allSatisfy { $0 == 0x2d }
  }

  package var description: String { name }
  /// The first path component, which in the embedded registry is the organisation.
  package var owner: String { String(name.prefix { $0 != "/" }) }
  package static func < (a: Self, b: Self) -> Bool { a.name < b.name }
  package init(from decoder: any Decoder) throws {
    try self.init(try decoder.singleValueContainer().decode(String.self))
  }
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` (distribution-spec).
package struct Tag: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
  package let name: String
  /// Throws `tag-invalid`.
  package init(_ name: String) throws(Failure) {
    let bytes = Array(name.utf8)
    let isWord: (UInt8) -> Bool = { byte in
      (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5f
    }
    guard let first = bytes.first, bytes.count <= 128, isWord(first),
      bytes.dropFirst().allSatisfy({ isWord($0) || $0 == 0x2e || $0 == 0x2d })
    else {
      throw Failure(
        .invalidArgument, reason: "tag-invalid", "tag '\(name)' is not a valid image tag",
        hint: "use 1 to 128 letters, digits, '_', '.' or '-', not beginning with '.' or '-'")
    }
    self.name = name
  }
  package static let latest: Tag = Tag(unchecked: "latest")
  private init(unchecked name: String) { self.name = name }
  package var description: String { name }
  package static func < (a: Self, b: Self) -> Bool { a.name < b.name }
  package init(from decoder: any Decoder) throws {
    try self.init(try decoder.singleValueContainer().decode(String.self))
  }
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

/// What a manifest is asked for by: a tag or a digest.
package enum ManifestReference: Sendable, Hashable, CustomStringConvertible {
  case tag(Tag)
  case digest(Digest)
  /// Text with a `:` is a digest, anything else a tag; throws what those throw.
  package init(_ text: String) throws(Failure) {
    self = text.contains(":") ? .digest(try Digest(text)) : .tag(try Tag(text))
  }
  package var description: String {
    switch self {
    case .tag(let tag): tag.name
    case .digest(let digest): digest.description
    }
  }
}

/// An image reference as people write it: `[registry/]repository[:tag][@digest]`.
package struct Reference: Sendable, Hashable, CustomStringConvertible {
  /// Host and port as written, or nil when the text names none.
  package var registry: String?
  package var repository: Repository
  package var tag: Tag?
  package var digest: Digest?

  package init(registry: String?, repository: Repository, tag: Tag? = nil, digest: Digest? = nil) {
    self.registry = registry
    self.repository = repository
    self.tag = tag
    self.digest = digest
  }

  /// Docker: the first component is a registry when it holds a `.` or `:` or is `localhost`; an IPv6 address stands in
  /// brackets. Throws `reference-invalid`.
  package init(_ text: String) throws(Failure) {
    var rest = Substring(text)
    var digest: Digest?
    if let at = rest.firstIndex(of: "@") {
      digest = try Digest(String(rest[rest.index(after: at)...]))
      rest = rest[..<at]
    }
    var tag: Tag?
    if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
      tag = try Tag(String(rest[rest.index(after: colon)...]))
      rest = rest[..<colon]
    }
    var registry: String?
    if let slash = rest.firstIndex(of: "/") {
      let first = rest[..<slash]
      if first.contains(".") || first.contains(":") || first == "localhost" {
        guard !first.contains("[") || Self.isBracketed(first) else {
          throw Failure(
            .invalidArgument, reason: "reference-invalid", "'\(text)' is not an image reference",
            hint: "an IPv6 address stands in brackets, as in [::1]:5000/name")
        }
        registry = String(first)
        rest = rest[rest.index(after: slash)...]
      }
    }
    do {
      self.init(registry: registry, repository: try Repository(String(rest)), tag: tag, digest: digest)
    } catch {
      throw Failure(
        .invalidArgument, reason: "reference-invalid", "'\(text)' is not an image reference", cause: error.message)
    }
  }

  /// `[address]` or `[address]:port`; that the address is one shows when it is connected to.
  private static func isBracketed(_ host: Substring) -> Bool {
    guard host.first == "[", let close = host.firstIndex(of: "]") else { return false }
    let address = host[host.index(after: host.startIndex)..<close]
    let rest = host[host.index(after: close)...]
    return address.contains(":") && address.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
      && (rest.isEmpty || (rest.first == ":" && UInt16(rest.dropFirst()) != nil))
  }

  /// By digest when there is one, else by tag, else `latest`.
  package var manifest: ManifestReference { digest.map { .digest($0) } ?? .tag(tag ?? .latest) }

  package var description: String {
    (registry.map { $0 + "/" } ?? "") + repository.name + (tag.map { ":" + $0.name } ?? "")
      + (digest.map { "@" + $0.description } ?? "")
  }
}
