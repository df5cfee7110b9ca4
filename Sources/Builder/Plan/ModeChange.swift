import Diagnostics

/// What `--chmod` asks for: a mode in octal, or changes as chmod(1) writes them (`u+rwX,go=`).
package struct ModeChange: Sendable, Hashable, CustomStringConvertible {
  fileprivate enum Form: Sendable, Hashable {
    case octal(UInt16)
    case changes([Change])
  }

  fileprivate struct Change: Sendable, Hashable {
    enum Operation: Character { case add = "+", remove = "-", set = "=" }
    /// Of `ugo`; empty when none is named, where the mask counts.
    var who: Set<Character>
    var operation: Operation
    /// Of `rwxXstugo`.
    var permissions: Set<Character>
  }

  private let form: Form
  package let description: String

  /// Docker: where nobody is named the usual mask counts, so that `+w` is `u+w` and `+x` is `a+x`.
  fileprivate static let mask: UInt16 = 0o022

  /// Throws `chmod-invalid`.
  package init(_ text: String) throws(Failure) {
    description = text
    if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), !text.isEmpty {
      guard let mode = UInt16(text, radix: 8), mode <= 0o7777 else { throw Self.invalid(text) }
      form = .octal(mode)
      return
    }
    var changes: [Change] = []
    for clause in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let parsed = Self.changes(in: clause) else { throw Self.invalid(text) }
      changes += parsed
    }
    form = .changes(changes)
  }

  /// The mode a file or directory of mode `mode` gets.
  package func applied(to mode: UInt16, isDirectory: Bool) -> UInt16 {
    switch form {
    case .octal(let mode): mode
    case .changes(let changes): changes.reduce(mode) { $1.applied(to: $0, isDirectory: isDirectory) }
    }
  }

  private static func invalid(_ text: String) -> Failure {
    Failure(
      .invalidArgument, reason: "chmod-invalid", "'--chmod=\(text)' is not a mode",
      hint: "write four octal digits, such as --chmod=0755, or changes, such as --chmod=u+rwX,go=rX")
  }

  /// `[ugoa…]` and then one or more of `+-=` with permissions; nil when it is anything else.
  private static func changes(in clause: Substring) -> [Change]? {
    var rest = clause
    var who = Set(rest.prefix { "ugoa".contains($0) })
    rest = rest.drop { "ugoa".contains($0) }
    if who.contains("a") { who = ["u", "g", "o"] }
    var changes: [Change] = []
    while let first = rest.popFirst() {
      guard let operation = Change.Operation(rawValue: first) else { return nil }
      let permissions = rest.prefix { "rwxXstugo".contains($0) }
      rest = rest.dropFirst(permissions.count)
      changes.append(Change(who: who, operation: operation, permissions: Set(permissions)))
    }
    return changes.isEmpty ? nil : changes
  }
}

extension ModeChange.Change {
  fileprivate func applied(to mode: UInt16, isDirectory: Bool) -> UInt16 {
    var bits: UInt16 = 0
    var cleared: UInt16 = 0
    for (name, shift, special) in Self.classes where who.isEmpty || who.contains(name) {
      var wanted: UInt16 = 0
      for permission in permissions {
        switch permission {
        case "r": wanted |= 4
        case "w": wanted |= 2
        case "x": wanted |= 1
        // Docker: searchable directories, and files that somebody may execute.
        case "X": wanted |= isDirectory || mode & 0o111 != 0 ? 1 : 0
        case "s" where name != "o", "t" where name == "o": bits |= special
        default:
          for (source, shift, _) in Self.classes where source == permission { wanted |= mode >> shift & 7 }
        }
      }
      bits |= wanted << shift
      cleared |= 7 << shift | special
    }
    if who.isEmpty { bits &= ~ModeChange.mask }
    switch operation {
    case .add: return mode | bits
    case .remove: return mode & ~bits
    case .set: return mode & ~cleared | bits
    }
  }

  /// Name, place of the permissions, and the bit beside them: setuid, setgid, sticky.
  private static let classes: [(Character, UInt16, UInt16)] = [("u", 6, 0o4000), ("g", 3, 0o2000), ("o", 0, 0o1000)]
}
