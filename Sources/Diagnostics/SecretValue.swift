/// Bytes nobody may read by accident: whatever prints one, prints three asterisks.
package struct SecretValue: Sendable, Hashable {
  /// The value itself; only what hands it to its user may look.
  package let bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package init(_ text: String) { bytes = Array(text.utf8) }

  /// The value as text; nil when it is none.
  package var text: String? { String(validating: bytes, as: UTF8.self) }

  /// What stands in a secret's place.
  package static let mask = "***"
}

extension SecretValue: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { Self.mask }
  package var debugDescription: String { Self.mask }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
