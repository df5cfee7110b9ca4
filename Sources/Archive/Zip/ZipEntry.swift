/// One member of a zip archive.
package struct ZipEntry: Sendable, Hashable {
  /// The member as tar would hold it: path, kind, mode, time and size, with user and group 0.
  package var file: TarEntry
  var method: ZipMethod
  var checksum: UInt32
  var compressedSize: Int64
  /// Where the member's own header begins, and where its data does.
  var headerOffset: Int64
  var dataOffset: Int64
}

/// How a member is packed.
enum ZipMethod: Sendable, Hashable {
  case stored, deflated

  /// The method's name for messages (APPNOTE.TXT 4.4.5).
  static func name(_ number: Int) -> String {
    switch number {
    case 1: "shrink"
    case 2...5: "reduce"
    case 6: "implode"
    case 9: "deflate64"
    case 12: "bzip2"
    case 14: "LZMA"
    case 93: "zstd"
    case 95: "xz"
    case 98: "PPMd"
    case 99: "AES"
    default: "number \(number)"
    }
  }
}
