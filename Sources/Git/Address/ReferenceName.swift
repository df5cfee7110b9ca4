/// The rules for names of references (git-check-ref-format).
package enum ReferenceName {
  /// Whether `name` can be the name of a reference, or the short name of a branch or tag.
  package static func isValid(_ name: some StringProtocol) -> Bool {
    let bytes = Array(name.utf8)
    guard !bytes.isEmpty, bytes.count <= 4096, bytes != [UInt8(ascii: "@")], bytes.first != UInt8(ascii: "-"),
      bytes.last != UInt8(ascii: ".")
    else { return false }
    let forbidden = Set("~^:?*[\\ ".utf8)
    guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F || forbidden.contains($0) }) else { return false }
    for (first, second) in zip(bytes, bytes.dropFirst()) {
      if first == UInt8(ascii: "."), second == UInt8(ascii: ".") { return false }
      if first == UInt8(ascii: "@"), second == UInt8(ascii: "{") { return false }
    }
    return bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
      !part.isEmpty && part.first != UInt8(ascii: ".") && !part.elementsEqual(part.dropLast(5) + ".lock".utf8)
    }
  }
}
