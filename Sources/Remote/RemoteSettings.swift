/// How other registries are reached.
package struct RemoteSettings: Sendable, Hashable {
  package init() {}
}
