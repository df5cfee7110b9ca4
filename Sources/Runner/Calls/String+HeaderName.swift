extension String {
  /// Whether it is the header name `word`, which is in lower case; nothing is copied for it.
  func names(_ word: StaticString) -> Bool {
    guard utf8.count == word.utf8CodeUnitCount else { return false }
    var expected = word.utf8Start
    for byte in utf8 {
      guard (0x41...0x5a).contains(byte) ? byte | 0x20 == expected.pointee : byte == expected.pointee else {
        return false
      }
      expected += 1
    }
    return true
  }

  /// Whether it begins so, with `_` for `-`: servers that hand headers on as variables cannot tell the two apart
  /// (RFC 3875 §4.1.18), so a spoofed `X_Ignite_…` would be read as ours.
  func beginsLoosely(_ word: StaticString) -> Bool {
    guard utf8.count >= word.utf8CodeUnitCount else { return false }
    var expected = word.utf8Start
    for byte in utf8.prefix(word.utf8CodeUnitCount) {
      let plain = byte == 0x5f ? 0x2d : (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
      guard plain == expected.pointee else { return false }
      expected += 1
    }
    return true
  }
}
