import Diagnostics

/// The first answer of a remote: what it can do, and before version 2 all its references.
struct Advertisement: Sendable {
  /// 0, 1 or 2.
  var version: Int
  var capabilities: Capabilities
  var format: ObjectID.Format
  /// Empty under version 2, which has a command of its own for them.
  var references: [RemoteReference]
  /// Whether references are missing that there was no room for; the remote is asked again for those that matter.
  var isCut = false

  /// Those whose names begin with one of `prefixes`, or all when there are none.
  func references(prefixes: [String]) -> [RemoteReference] {
    if prefixes.isEmpty { return references }
    return references.filter { reference in prefixes.contains(where: reference.name.hasPrefix) }
  }

  /// What the fetcher may count on.
  var abilities: RemoteAbilities {
    if version == 2 {
      // upload-pack serves any object it has by name under version 2.
      return RemoteAbilities(
        format: format, filters: capabilities.has("filter", of: "fetch"), anyWant: true, protocolVersion: 2)
    }
    return RemoteAbilities(
      format: format, filters: capabilities.has("filter"),
      anyWant: capabilities.has("allow-any-sha1-in-want") || capabilities.has("allow-reachable-sha1-in-want"),
      protocolVersion: version)
  }
}
