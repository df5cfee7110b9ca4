import Glibc
import SystemPackage

/// An entry spelled as a ustar header, and the PAX records for what the header can't hold.
struct TarHeaderFields {
  private var block = [UInt8](repeating: 0, count: TarHeader.size)
  private var records: [String: [UInt8]] = [:]

  init(_ entry: TarEntry) {
    setPath(entry)
    setNumber(TarHeader.Field.mode, Int64(entry.mode & 0o7777), key: nil)
    setNumber(TarHeader.Field.uid, Int64(entry.uid), key: "uid")
    setNumber(TarHeader.Field.gid, Int64(entry.gid), key: "gid")
    setNumber(TarHeader.Field.size, entry.kind == .file ? entry.size : 0, key: "size")
    setNumber(TarHeader.Field.mtime, entry.mtime.seconds, key: "mtime")
    setKind(entry.kind)
    setMagic()
    for (name, value) in entry.xattrs { records["SCHILY.xattr.\(name)"] = value }
    // Without it, readers may take names for UTF-8 and refuse them (POSIX pax, "hdrcharset").
    if [records["path"], records["linkpath"]].contains(where: { $0.map { !Self.isText($0) } ?? false }) {
      records["hdrcharset"] = Array("BINARY".utf8)
    }
  }

  /// The header of an extended header of `size` bytes, named as Go and so BuildKit names it.
  static func paxHeader(for path: FilePath, size: Int) -> [UInt8] {
    let last = path.bytes.split(separator: UInt8(ascii: "/")).last ?? []
    let name = Array("PaxHeaders.0/".utf8) + last.filter { $0 < 0x80 }.prefix(80)
    var fields = TarHeaderFields(TarEntry(path: FilePath(), kind: .file, mode: 0, size: Int64(size)))
    for offset in TarHeader.Field.name { fields.block[offset] = 0 }
    fields.set(TarHeader.Field.name, name)
    fields.block[TarHeader.Field.kind] = UInt8(ascii: "x")
    return fields.encoded().header
  }

  /// The header with its checksum, and the records one after the other, sorted by key.
  func encoded() -> (header: [UInt8], records: [UInt8]) {
    var header = block
    for offset in TarHeader.Field.checksum { header[offset] = 0x20 }
    let sum = header.withUnsafeBytes { TarHeader(block: $0).unsignedSum }
    let digits = Self.octal(sum, digits: 6) ?? []
    header.replaceSubrange(TarHeader.Field.checksum, with: digits + [0, 0x20])
    return (header, records.sorted { $0.key < $1.key }.flatMap { Self.record($0.key, $0.value) })
  }

  private mutating func setPath(_ entry: TarEntry) {
    var path = entry.path.bytes
    if path.isEmpty { path = [UInt8(ascii: ".")] }
    if entry.kind == .directory { path.append(UInt8(ascii: "/")) }
    let isPlain = Self.isPlain(path)
    if isPlain, path.count <= TarHeader.Field.name.count {
      set(TarHeader.Field.name, path)
    } else if isPlain, let slash = Self.split(path) {
      set(TarHeader.Field.prefix, Array(path[..<slash]))
      set(TarHeader.Field.name, Array(path[(slash + 1)...]))
    } else {
      records["path"] = path
      set(TarHeader.Field.name, Array(path.filter { $0 < 0x80 }.prefix(TarHeader.Field.name.count)))
    }
  }

  private mutating func setKind(_ kind: TarEntry.Kind) {
    let letter: Character
    switch kind {
    case .file: letter = "0"
    case .hardLink(let target): (letter, _) = ("1", setLink(target))
    case .symlink(let target): (letter, _) = ("2", setLink(target))
    case .characterDevice(let major, let minor): (letter, _) = ("3", setDevice(major, minor))
    case .blockDevice(let major, let minor): (letter, _) = ("4", setDevice(major, minor))
    case .directory: letter = "5"
    case .fifo: letter = "6"
    }
    block[TarHeader.Field.kind] = letter.asciiValue ?? 0
  }

  private mutating func setLink(_ target: FilePath) {
    let bytes = target.bytes
    if Self.isPlain(bytes), bytes.count <= TarHeader.Field.linkName.count {
      set(TarHeader.Field.linkName, bytes)
    } else {
      records["linkpath"] = bytes
    }
  }

  private mutating func setDevice(_ major: UInt32, _ minor: UInt32) {
    setNumber(TarHeader.Field.deviceMajor, Int64(major), key: "SCHILY.devmajor")
    setNumber(TarHeader.Field.deviceMinor, Int64(minor), key: "SCHILY.devminor")
  }

  private mutating func setMagic() {
    set(TarHeader.Field.magic, Array("ustar\0".utf8) + Array("00".utf8))
  }

  /// Octal digits and a NUL; what doesn't fit becomes a record and leaves zeros here.
  private mutating func setNumber(_ field: Range<Int>, _ value: Int64, key: String?) {
    if let digits = Self.octal(value, digits: field.count - 1) { return set(field, digits) }
    if let key { records[key] = Array(String(value).utf8) }
    set(field, Self.octal(0, digits: field.count - 1) ?? [])
  }

  private mutating func set(_ field: Range<Int>, _ bytes: [UInt8]) {
    block.replaceSubrange(field.lowerBound..<field.lowerBound + bytes.count, with: bytes)
  }

  private static func octal(_ value: Int64, digits: Int) -> [UInt8]? {
    guard value >= 0, value >> (3 * Int64(digits)) == 0 else { return nil }
    return (0..<digits).reversed().map { 0x30 + UInt8(value >> (3 * Int64($0)) & 7) }
  }

  /// `30 mtime=1350244992.023960108\n`: the length counts its own digits too.
  private static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
    let rest = 1 + key.utf8.count + 1 + value.count + 1
    var length = rest + String(rest).utf8.count
    length = rest + String(length).utf8.count
    return Array("\(length) \(key)=".utf8) + value + [0x0A]
  }

  /// Where a name can be cut into prefix and name, the way Go cuts it.
  private static func split(_ path: [UInt8]) -> Int? {
    var length = min(path.count, TarHeader.Field.prefix.count + 1)
    if length == path.count, path.last == UInt8(ascii: "/") { length -= 1 }
    guard let slash = path[..<length].lastIndex(of: UInt8(ascii: "/")), slash > 0 else { return nil }
    let rest = path.count - slash - 1
    return rest > 0 && rest <= TarHeader.Field.name.count ? slash : nil
  }

  private static func isPlain(_ bytes: [UInt8]) -> Bool { bytes.allSatisfy { $0 < 0x80 } }

  private static func isText(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }
}
