import Diagnostics

/// The first answer of a remote: what it can do, and before version 2 all its references.
struct Advertisement: Sendable {
  /// 0, 1 or 2.
  var version: Int
  var capabilities: Capabilities
  var format: ObjectID.Format
  /// Empty under version 2, which has a command of its own for them.
  var references: [RemoteReference]

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
