/// The addresses that never leave the machine.
enum LoopbackAddress {
  /// Whether `text` is an IP address of 127.0.0.0/8 or `::1`, written with or without the v4-in-v6 prefix.
  static func contains(_ text: some StringProtocol) -> Bool {
    if text == "::1" { return true }
    let v4 = text.hasPrefix("::ffff:") ? text.dropFirst(7) : text[...]
    return v4.hasPrefix("127.") && isIPv4(v4)
  }

  /// Whether `text` is four decimal bytes parted by points.
  static func isIPv4(_ text: some StringProtocol) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4
      && parts.allSatisfy { part in
        (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) } && UInt8(part) != nil
      }
  }
}
