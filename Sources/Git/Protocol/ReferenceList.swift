import Diagnostics

/// References as they are listed, bounded in number, and in the memory that the kept ones take.
///
/// Kept are those whose names begin with what is wanted: all that are wanted by their whole names, others as long as
/// there is room. A list is looked at for what it says about a few names, and for hints, so the rest is not missed.
struct ReferenceList {
  /// What a reference takes beside its name.
  private static let overhead = 192

  private let prefixes: [[UInt8]]
  private let limits: GitLimits
  private(set) var references: [RemoteReference] = []
  /// Whether wanted references were left out for want of room.
  private(set) var isCut = false
  private var count = 0
  private var held: Int64 = 0
  private var met: Set<[UInt8]> = []

  /// Wants the references whose names begin with one of `prefixes`, or all when there are none.
  init(prefixes: [String], limits: GitLimits) {
    self.prefixes = prefixes.map { Array($0.utf8) }
    self.limits = limits
  }

  /// Counts the reference on a line, digits of an id, a space and a name up to the next space; true when the line need
  /// not be read any further, as it is not kept. What is no such line is not skipped.
  mutating func skips(_ line: UnsafeRawBufferPointer) throws(Failure) -> Bool {
    var space = 0
    while space < min(line.count, 65), Self.isDigit(line[space]) { space += 1 }
    guard space == 40 || space == 64, space < line.count, line[space] == UInt8(ascii: " ") else { return false }
    try countOne()
    var end = space + 1
    while end < line.count, line[end] > UInt8(ascii: " ") { end += 1 }
    return !wants(line[(space + 1)..<end])
  }

  /// Counts a reference; throws where there are more than allowed.
  mutating func countOne() throws(Failure) {
    count += 1
    if count > limits.references {
      throw .gitLimit("references", "remote lists more than \(limits.references) references")
    }
  }

  /// Adds one that is not skipped, or what an annotated tag before it points at (`name^{}`).
  ///
  /// Names that no repository could have are left out rather than believed.
  mutating func add(
    _ id: ObjectID, named name: Substring, peeled: ObjectID? = nil, symbolicTarget: String? = nil
  ) {
    if name.hasSuffix("^{}") {
      guard let last = references.indices.last, references[last].name == name.dropLast(3) else { return }
      references[last].peeled = id
      return
    }
    guard name == "HEAD" || name.hasPrefix("refs/") && ReferenceName.isValid(name) else { return }
    held += Int64(Self.overhead + name.utf8.count + (symbolicTarget?.utf8.count ?? 0))
    references.append(
      RemoteReference(name: String(name), id: id, peeled: peeled, symbolicTarget: symbolicTarget))
  }

  /// What symbolic references name, from capabilities `symref=HEAD:refs/heads/main`.
  mutating func apply(symbolic: [String]) {
    for text in symbolic {
      let parts = text.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, ReferenceName.isValid(parts[1]),
        let index = references.firstIndex(where: { $0.name == parts[0] })
      else { continue }
      references[index].symbolicTarget = String(parts[1])
    }
  }

  private mutating func wants(_ name: Slice<UnsafeRawBufferPointer>) -> Bool {
    let isPeeled = name.last == UInt8(ascii: "}") && name.suffix(3).elementsEqual("^{}".utf8)
    let plain = isPeeled ? name.dropLast(3) : name
    // What an annotated tag points at comes right behind it.
    if isPeeled { return references.last.map { $0.name.utf8.elementsEqual(plain) } ?? false }
    guard prefixes.isEmpty || prefixes.contains(where: { plain.starts(with: $0) }) else { return false }
    // Nobody has a name twice but who means harm.
    if let whole = prefixes.first(where: { $0.count == plain.count && plain.elementsEqual($0) }) {
      return met.insert(whole).inserted
    }
    if held >= limits.heldReferences.bytes { isCut = true }
    return !isCut
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
      UInt8(ascii: "A")...UInt8(ascii: "F"):
      true
    default: false
    }
  }
}
