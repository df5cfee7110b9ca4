import Diagnostics

/// One entry of a tree, its name not looked at.
package struct TreeEntry: Sendable, Hashable {
  package enum Mode: UInt32, Sendable, Hashable {
    case file = 0o100644
    case executable = 0o100755
    case link = 0o120000
    case directory = 0o040000
    case submodule = 0o160000
  }
  package var mode: Mode
  /// Any bytes but NUL and `/`, at least one.
  package var name: [UInt8]
  package var id: ObjectID

  package init(mode: Mode, name: [UInt8], id: ObjectID) {
    self.mode = mode
    self.name = name
    self.id = id
  }
}

/// Reads the entries of a tree object in its order.
package struct TreeReader: Sendable {
  private let content: [UInt8]
  private let id: ObjectID
  private var position = 0

  package init(_ content: [UInt8], id: ObjectID) {
    self.content = content
    self.id = id
  }

  /// Nil at the end; throws `git-object-corrupt` for what is no entry, and for modes git does not write.
  package mutating func next() throws(Failure) -> TreeEntry? {
    guard position < content.count else { return nil }
    let mode = try mode()
    guard let end = content[position...].firstIndex(of: 0) else {
      throw .objectCorrupt(id, "the name of a tree's entry has no end")
    }
    let name = content[position..<end]
    guard !name.isEmpty, !name.contains(0x2F) else {
      throw .objectCorrupt(id, "a tree has an entry named '\(String(decoding: name, as: UTF8.self))'")
    }
    let start = end + 1
    guard start + id.format.byteCount <= content.count else { throw .objectCorrupt(id, "a tree ends within an entry") }
    let child = content.withUnsafeBytes { bytes in
      ObjectID(id.format, bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<start + id.format.byteCount]))
    }
    guard let child else { throw .objectCorrupt(id, "a tree has an entry without an object") }
    position = start + id.format.byteCount
    return TreeEntry(mode: mode, name: Array(name), id: child)
  }

  private mutating func mode() throws(Failure) -> TreeEntry.Mode {
    var number: UInt32 = 0
    let start = position
    while position < content.count, content[position] != 0x20 {
      guard (0x30...0x37).contains(content[position]), position - start < 6, content[start] != 0x30 else {
        throw .objectCorrupt(id, "a tree has an entry whose mode is no octal number")
      }
      number = number << 3 | UInt32(content[position] - 0x30)
      position += 1
    }
    // 100664 is what git wrote before 2005's end.
    guard position < content.count, let mode = TreeEntry.Mode(rawValue: number == 0o100664 ? 0o100644 : number) else {
      throw .objectCorrupt(id, "a tree has an entry of mode '\(String(number, radix: 8))'")
    }
    position += 1
    return mode
  }
}
