import Diagnostics

/// What git refuses as a name in a tree, whatever file system it would land on (git's fsck and `verify_path`).
enum EntryName {
  /// Linux's NAME_MAX; a longer name cannot be checked out anywhere.
  static let longest = 255

  /// Why the name is refused; nil when it is fine.
  ///
  /// A backslash is a letter of the name, as in git on Linux; only what git would take for `.git` on Windows after
  /// one is refused.
  static func problem(_ name: UnsafeRawBufferPointer) -> String? {
    guard let first = name.first else { return "is empty" }
    if name.count > longest { return "is longer than \(longest) bytes" }
    if name.contains(UInt8(ascii: "/")) { return "contains '/'" }
    if name.contains(0) { return "contains a NUL" }
    if first == dot, name.count == 1 || name.count == 2 && name[1] == dot { return "is '.' or '..'" }
    if isDotGit(name) { return "stands for '.git'" }
    return nil
  }

  /// Whether some file system takes the name for `.git`: any case, an NTFS short name, a stream of it, trailing dots
  /// and spaces, or HFS+'s ignored characters (CVE-2014-9390, CVE-2019-1352, CVE-2019-1353).
  static func isDotGit(_ name: UnsafeRawBufferPointer) -> Bool {
    isNTFS(name, short: "git~1", long: ".git") || isHFS(name, ".git")
      || name.indices.contains { name[$0] == backslash && isNTFS(rest(name, after: $0), short: "git~1", long: ".git") }
  }

  /// Whether some file system takes the name for `.gitmodules`, which may be a regular file only.
  static func isDotGitModules(_ name: UnsafeRawBufferPointer) -> Bool {
    if isHFS(name, ".gitmodules") { return true }
    // `gi7eba~` is the hashed short name NTFS falls back to when `gitmod~1` to `gitmod~4` are taken.
    return ["gitmod~1", "gitmod~2", "gitmod~3", "gitmod~4", "gi7eba~1"].contains {
      isNTFS(name, short: $0, long: ".gitmodules")
    }
  }

  private static let dot = UInt8(ascii: ".")
  private static let backslash = UInt8(ascii: "\\")

  private static func rest(_ name: UnsafeRawBufferPointer, after index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: name[(index + 1)...])
  }

  private static func lowered(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }

  private static func isNTFS(_ name: UnsafeRawBufferPointer, short: StaticString, long: StaticString) -> Bool {
    hasNTFSPrefix(name, short) || hasNTFSPrefix(name, long)
  }

  /// `prefix` in any case, then dots and spaces, which NTFS drops, to the end or to what ends a name there.
  private static func hasNTFSPrefix(_ name: UnsafeRawBufferPointer, _ prefix: StaticString) -> Bool {
    let length = prefix.utf8CodeUnitCount
    guard name.count >= length else { return false }
    for index in 0..<length where lowered(name[index]) != prefix.utf8Start[index] { return false }
    for byte in name[length...] {
      if byte == UInt8(ascii: ":") || byte == backslash { return true }
      if byte != dot && byte != UInt8(ascii: " ") { return false }
    }
    return true
  }

  /// `wanted` in any case once the characters HFS+ ignores are taken out.
  private static func isHFS(_ name: UnsafeRawBufferPointer, _ wanted: StaticString) -> Bool {
    var matched = 0
    var index = 0
    while index < name.count {
      if isIgnored(name, at: index) {
        index += 3
        continue
      }
      guard matched < wanted.utf8CodeUnitCount, lowered(name[index]) == wanted.utf8Start[matched] else { return false }
      matched += 1
      index += 1
    }
    return matched == wanted.utf8CodeUnitCount
  }

  /// U+200C–200F, U+202A–202E, U+206A–206F and U+FEFF in UTF-8 (Apple's TN1150, as git's utf8.c has them).
  private static func isIgnored(_ name: UnsafeRawBufferPointer, at index: Int) -> Bool {
    guard name.count - index >= 3 else { return false }
    switch (name[index], name[index + 1], name[index + 2]) {
    case (0xE2, 0x80, 0x8C...0x8F), (0xE2, 0x80, 0xAA...0xAE), (0xE2, 0x81, 0xAA...0xAF), (0xEF, 0xBB, 0xBF):
      return true
    default: return false
    }
  }
}
