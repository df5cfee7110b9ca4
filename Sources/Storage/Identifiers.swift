import Diagnostics
import Synchronization

/// An organisation: the owner of every row and of the first path component of every repository.
package struct OrganizationName: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
  package let name: String

  /// Throws `organization-invalid` unless `name` is 1 to 63 lower-case letters, digits and inner hyphens,
  /// so that it can be a repository's first path component and a host label.
  package init(_ name: String) throws(Failure) {
    let bytes = Array(name.utf8)
    let isWord: (UInt8) -> Bool = { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) }
    guard (1...63).contains(bytes.count), let first = bytes.first, let last = bytes.last, isWord(first), isWord(last),
      bytes.allSatisfy({ isWord($0) || $0 == 0x2d })
    else {
      throw Failure(
        .invalidArgument, reason: "organization-invalid", "organisation name '\(name)' is not valid",
        hint: "use 1 to 63 lower-case letters, digits and inner hyphens")
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

/// A build's identifier, `bld_` and a ULID: sortable by the moment of creation.
package struct BuildID: PrefixedIdentifier {
  package static let prefix = "bld_"
  package let text: String
  package init(unchecked text: String) { self.text = text }
}

/// An uploaded context's identifier, `ctx_` and a ULID.
package struct ContextID: PrefixedIdentifier {
  package static let prefix = "ctx_"
  package let text: String
  package init(unchecked text: String) { self.text = text }
}

/// What the identifiers of ledger rows share: a prefix that says of what, and a ULID.
package protocol PrefixedIdentifier: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
  static var prefix: String { get }
  var text: String { get }
  init(unchecked text: String)
}

extension PrefixedIdentifier {
  /// Nil unless `text` is the prefix and 26 digits of Crockford's base 32; such an id cannot exist.
  package init?(_ text: String) {
    guard text.hasPrefix(Self.prefix), ULID.isValid(text.dropFirst(Self.prefix.count)) else { return nil }
    self.init(unchecked: text)
  }

  /// A new identifier for a row made at `moment`.
  package static func make(at moment: Timestamp) -> Self { Self(unchecked: prefix + ULID.make(at: moment)) }

  /// The moment it was made for.
  package var moment: Timestamp { ULID.moment(text.dropFirst(Self.prefix.count)) }

  package var description: String { text }
  package static func < (a: Self, b: Self) -> Bool { a.text < b.text }
  package init(from decoder: any Decoder) throws {
    self.init(unchecked: try decoder.singleValueContainer().decode(String.self))
  }
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

/// Crockford base-32 text of 48 bits of Unix milliseconds and 80 random bits; sorts by time.
enum ULID {
  private static let digits = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
  private static let last = Mutex<UInt128>(0)

  /// Of two in a row made in one millisecond the second is greater: lists and queues are in the order of ids, and a page
  /// that has been handed out must not get rows in its middle.
  static func make(at moment: Timestamp) -> String {
    let time = UInt128(max(0, moment.milliseconds)) << 80
    let number = last.withLock { last in
      let isSameMoment = last >> 80 == time >> 80
      last = isSameMoment ? last + 1 : time | UInt128.random(in: 0..<1 << 79)
      return last
    }
    let text = stride(from: 125, through: 0, by: -5).map { digits[Int(truncatingIfNeeded: number >> UInt128($0) & 31)] }
    return String(decoding: text, as: UTF8.self)
  }

  static func moment(_ text: some StringProtocol) -> Timestamp {
    let time = text.utf8.prefix(10).reduce(UInt64(0)) { time, digit in
      time << 5 | UInt64(digits.firstIndex(of: digit) ?? 0)
    }
    return Timestamp(milliseconds: Int64(clamping: time))
  }

  static func isValid(_ text: some StringProtocol) -> Bool {
    text.utf8.count == 26 && text.utf8.allSatisfy { digits.contains($0) }
  }
}
