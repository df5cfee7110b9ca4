import Diagnostics

/// What a remote says it can do (gitprotocol-capabilities; gitprotocol-v2, "Capability Advertisement").
struct Capabilities: Sendable, Hashable {
  private var values: [String: [String]] = [:]

  /// From words of the form `name` or `name=value`.
  init(words: some Sequence<Substring>) { for word in words { add(word) } }

  mutating func add(_ word: Substring) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    values[String(parts[0]), default: []].append(parts.count > 1 ? String(parts[1]) : "")
  }

  func has(_ name: String) -> Bool { values[name] != nil }
  /// All values given under `name`, in order.
  func all(_ name: String) -> [String] { values[name] ?? [] }
  /// Whether the value of `name` is a list of words with `feature` among them, as `fetch=shallow filter` is.
  func has(_ feature: String, of name: String) -> Bool {
    all(name).contains { $0.split(separator: " ").contains(Substring(feature)) }
  }

  /// The hash that names objects; throws for one that does not exist yet.
  func format() throws(Failure) -> ObjectID.Format {
    guard let name = all("object-format").first else { return .sha1 }
    guard let format = ObjectID.Format(rawValue: name) else {
      throw Failure(
        .unimplemented, reason: "git-object-format-unknown",
        "repository names its objects with \"\(RemoteText.clean(name))\", which is not known here",
        hint: "use a repository of the format sha1 or sha256")
    }
    return format
  }
}
