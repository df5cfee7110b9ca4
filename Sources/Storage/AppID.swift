import Diagnostics

/// An app's name within its organisation.
package struct AppName: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
  package let name: String

  /// Throws `app-name-invalid` unless `name` is 1 to 63 lower-case letters and digits with hyphens and single points
  /// between them, so that it can be a repository's path component and, with its points written out, part of a host label.
  package init(_ name: String) throws(Failure) {
    let bytes = Array(name.utf8)
    let isWord: (UInt8) -> Bool = { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) }
    guard (1...63).contains(bytes.count), let first = bytes.first, let last = bytes.last, isWord(first), isWord(last),
      bytes.allSatisfy({ isWord($0) || $0 == 0x2d || $0 == 0x2e }),
      !["..", ".-", "-."].contains(where: { name.contains($0) })
    else {
      throw Failure(
        .invalidArgument, reason: "app-name-invalid",
        name.isEmpty ? "the app has no name" : "app name '\(name.prefix(100))' is not valid",
        hint: "use 1 to 63 lower-case letters and digits, with hyphens or single points between them")
    }
    self.name = name
  }

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

/// An app: `organization/name` in the API, `organization:name` on the command line.
package struct AppID: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let organization: OrganizationName
  package let name: AppName

  package init(organization: OrganizationName, name: AppName) {
    self.organization = organization
    self.name = name
  }

  package var description: String { "\(organization)/\(name)" }
  package static func < (a: Self, b: Self) -> Bool { (a.organization, a.name) < (b.organization, b.name) }
}

/// The number of a published version, counted from 1; 0 is the draft.
package struct AppVersion: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
  package let number: UInt32
  package static let draft = AppVersion(0)

  package init(_ number: UInt32) { self.number = number }
  package var description: String { String(number) }
  package static func < (a: Self, b: Self) -> Bool { a.number < b.number }
  package init(from decoder: any Decoder) throws { number = try decoder.singleValueContainer().decode(UInt32.self) }
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(number)
  }
}

/// An execution's identifier, `exec_` and a ULID: one call of an app.
package struct ExecutionID: PrefixedIdentifier {
  package static let prefix = "exec_"
  package let text: String
  package init(unchecked text: String) { self.text = text }
}

/// A compile's identifier, `dep_` and a ULID.
package struct DeployID: PrefixedIdentifier {
  package static let prefix = "dep_"
  package let text: String
  package init(unchecked text: String) { self.text = text }
}

/// A replica's identifier, `rep_` and a ULID.
package struct ReplicaID: PrefixedIdentifier {
  package static let prefix = "rep_"
  package let text: String
  package init(unchecked text: String) { self.text = text }
}
