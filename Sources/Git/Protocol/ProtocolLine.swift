import Diagnostics

/// A packet read as a line of text.
struct ProtocolLine {
  /// Without its newline, and without what a NUL hides.
  let text: String
  /// What follows a NUL: the capabilities on a first line.
  let afterNull: String

  init(_ bytes: UnsafeRawBufferPointer) {
    var line = bytes[...]
    if line.last == UInt8(ascii: "\n") { line = line.dropLast() }
    let visible = line.prefix { $0 != 0 }
    text = String(decoding: visible, as: UTF8.self)
    afterNull = String(decoding: line.dropFirst(visible.count + 1), as: UTF8.self)
  }

  /// Throws what the remote reports on the line, if it reports something (`ERR`, gitprotocol-pack).
  func refuseError() throws(Failure) {
    if text.hasPrefix("ERR ") { throw .gitRemote(RemoteText.clean(String(text.dropFirst(4)))) }
  }
}
