/// Whether the house can serve, part by part; the house hands it in as a closure.
package struct Readiness: Sendable, Encodable {
  /// One part, such as `ledger` or `sandbox`.
  package struct Part: Sendable, Encodable {
    package var name: String
    package var ok: Bool
    /// Since when, or why not; for people.
    package var detail: String

    package init(name: String, ok: Bool, detail: String) {
      self.name = name
      self.ok = ok
      self.detail = detail
    }
  }

  package var ready: Bool
  package var parts: [Part]

  package init(ready: Bool, parts: [Part]) {
    self.ready = ready
    self.parts = parts
  }
}
