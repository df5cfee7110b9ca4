import Diagnostics

/// What extended headers say about the entry that follows: PAX records (POSIX pax, "pax Extended Header") and GNU's
/// long names. They win over the header's own fields everywhere, in stepping to the next header too.
struct TarExtensions {
  var path: [UInt8]?
  var linkPath: [UInt8]?
  var size: Int64?
  var uid: UInt32?
  var gid: UInt32?
  var userName: String?
  var groupName: String?
  var mtime: FileTime?
  var xattrs: [String: [UInt8]] = [:]

  private static let xattrPrefix = "SCHILY.xattr."

  /// Adds the records of one extended header; a global one speaks for all entries after it.
  mutating func add(records: [UInt8], isGlobal: Bool) throws(Failure) {
    var rest = records[...]
    while let first = rest.first, first != 0 {
      let record = try Self.takeRecord(&rest)
      guard let equals = record.firstIndex(of: UInt8(ascii: "=")), equals > record.startIndex else {
        throw .archiveCorrupt("tar archive has a PAX record without a key")
      }
      guard let key = String(validating: record[..<equals], as: UTF8.self) else {
        throw .archiveCorrupt("tar archive has a PAX record whose key is not text")
      }
      try set(key, to: Array(record[(equals + 1)...]), isGlobal: isGlobal)
    }
  }

  /// Cuts `25 ctime=1084839148.1212\n` off the front and returns what is between the blank and the newline.
  private static func takeRecord(_ rest: inout ArraySlice<UInt8>) throws(Failure) -> ArraySlice<UInt8> {
    let digits = rest.prefix(10).prefix { $0 != 0x20 }
    guard let length = Int(String(decoding: digits, as: UTF8.self)), digits.allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
      length > digits.count + 1, length <= rest.count, rest[rest.startIndex + length - 1] == 0x0A
    else { throw .archiveCorrupt("tar archive has a PAX record whose length is wrong") }
    let end = rest.startIndex + length
    defer { rest = rest[end...] }
    return rest[(digits.endIndex + 1)..<(end - 1)]
  }

  private mutating func set(_ key: String, to value: [UInt8], isGlobal: Bool) throws(Failure) {
    if isGlobal, ["path", "linkpath", "size"].contains(key) || key.hasPrefix("GNU.sparse.") {
      throw .archiveCorrupt("tar archive has a global PAX record '\(key)', which can't hold for all entries")
    }
    switch key {
    case "path": path = value.isEmpty ? nil : value
    case "linkpath": linkPath = value.isEmpty ? nil : value
    case "size": size = value.isEmpty ? nil : try Self.number(value, key)
    case "uid": uid = value.isEmpty ? nil : try Self.identity(value, key)
    case "gid": gid = value.isEmpty ? nil : try Self.identity(value, key)
    case "uname": userName = String(decoding: value, as: UTF8.self)
    case "gname": groupName = String(decoding: value, as: UTF8.self)
    case "mtime": mtime = value.isEmpty ? nil : try Self.time(value)
    default:
      if key.hasPrefix(Self.xattrPrefix) {
        xattrs[String(key.dropFirst(Self.xattrPrefix.count))] = value
      } else if key.hasPrefix("GNU.sparse.") {
        throw .tarSparse
      }
    }
  }

  private static func number(_ value: [UInt8], _ key: String) throws(Failure) -> Int64 {
    guard value.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Int64(String(decoding: value, as: UTF8.self))
    else { throw .archiveCorrupt("tar archive has a PAX record '\(key)' that is no number") }
    return number
  }

  private static func identity(_ value: [UInt8], _ key: String) throws(Failure) -> UInt32 {
    guard let identity = UInt32(exactly: try number(value, key)) else {
      throw .archiveCorrupt("tar archive has a PAX record '\(key)' beyond 32 bits")
    }
    return identity
  }

  /// Parses `-1.5` and the like; digits beyond nanoseconds are dropped.
  private static func time(_ value: [UInt8]) throws(Failure) -> FileTime {
    let parts = String(decoding: value, as: UTF8.self).split(
      separator: ".",
      maxSplits: 1,
      omittingEmptySubsequences: false
    )
    let fraction = parts.count == 2 ? parts[1].prefix(9) : ""
    let isDecimal = parts.dropFirst().allSatisfy { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    guard let first = parts.first, let seconds = Int64(first), isDecimal else {
      throw .archiveCorrupt("tar archive has a PAX record 'mtime' that is no time")
    }
    let padded = fraction + String(repeating: "0", count: 9 - fraction.count)
    let nanoseconds = Int32(padded) ?? 0
    guard first.hasPrefix("-"), nanoseconds > 0, seconds > .min else {
      return FileTime(seconds: seconds, nanoseconds: nanoseconds)
    }
    return FileTime(seconds: seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds)
  }

  /// These, and where they are silent the ones of a global header.
  func over(_ global: TarExtensions) -> TarExtensions {
    var result = self
    result.uid = uid ?? global.uid
    result.gid = gid ?? global.gid
    result.userName = userName ?? global.userName
    result.groupName = groupName ?? global.groupName
    result.mtime = mtime ?? global.mtime
    result.xattrs = global.xattrs.merging(xattrs) { _, own in own }
    return result
  }
}

extension Failure {
  static var tarSparse: Failure {
    .archiveUnsupported("tar archive holds a sparse file", hint: "make the archive without --sparse")
  }
}
