/// Which addresses a request may reach and how long it may take.
package struct OutboundPolicy: Sendable, Hashable {
  package var connectTimeout = Duration.seconds(10)
  /// Without a byte either way.
  package var idleTimeout = Duration.seconds(30)
  package init() {}
}
