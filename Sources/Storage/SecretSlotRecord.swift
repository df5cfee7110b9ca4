import Diagnostics

/// The name of a stored credential within its organisation.
package struct SecretSlotName: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let name: String

  /// Throws `secret-name-invalid` unless `name` is 1 to 64 letters, digits, `-` and `_` (contract §1.3).
  package init(_ name: String) throws(Failure) {
    let isWord: (UInt8) -> Bool = { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x5f: true
      default: false
      }
    }
    guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy(isWord) else {
      let shown = String.UnicodeScalarView(name.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f })
      throw Failure(
        .invalidArgument, reason: "secret-name-invalid", "secret name '\(String(shown).prefix(100))' is not valid",
        hint: "use 1 to 64 letters, digits, '-' and '_'")
    }
    self.name = name
  }

  package var description: String { name }
  package static func < (a: Self, b: Self) -> Bool { a.name < b.name }
}

/// What a stored credential opens; the words are the contract's.
package enum SecretSlotType: String, Sendable, Hashable, CaseIterable {
  case git = "git_secret"
  case registry = "registry_secret"
}

/// A stored credential as the ledger has it. Who has the row has not the value: that is sealed.
package struct SecretSlotRecord: Sendable, Hashable {
  package var organization: OrganizationName
  package var name: SecretSlotName
  package var type: SecretSlotType
  package var sealed: [UInt8]
  package var createdAt: Timestamp
  package var updatedAt: Timestamp

  package init(
    organization: OrganizationName, name: SecretSlotName, type: SecretSlotType, sealed: [UInt8], createdAt: Timestamp,
    updatedAt: Timestamp
  ) {
    self.organization = organization
    self.name = name
    self.type = type
    self.sealed = sealed
    self.createdAt = createdAt
    self.updatedAt = updatedAt
  }
}
