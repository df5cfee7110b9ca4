import Diagnostics
import Glibc
import SystemPackage

/// An `.idx` file of git, version 1 or 2 (gitformat-pack, "Pack index"), mapped.
final class PackIndexReader: Sendable {
  private nonisolated(unsafe) let map: UnsafeRawBufferPointer
  private let path: FilePath
  private let format: ObjectID.Format
  private let isVersion1: Bool
  let count: Int

  /// Throws `git-pack-corrupt` for a file too short for what it says to hold.
  init(_ path: FilePath, _ format: ObjectID.Format) throws(Failure) {
    guard let file = try LocalFile.open(path) else { throw Failure.gitFile(ENOENT, "opened", path) }
    let size = Int(try file.size())
    let hash = format.byteCount
    guard size >= 8 + 1024 + 2 * hash || size >= 1024 + 2 * hash else { throw Self.corrupt(path, "it is too short") }
    let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
    guard let start, start != MAP_FAILED else { throw Failure.gitFile(errno, "mapped", path) }
    let map = UnsafeRawBufferPointer(start: start, count: size)
    self.path = path
    self.format = format
    self.map = map
    isVersion1 = Self.word(map, 0) != 0xFF74_4F63
    let fanout = isVersion1 ? 0 : 8
    count = Int(Self.word(map, fanout + 255 * 4))
    let needed = fanout + 1024 + count * (isVersion1 ? hash + 4 : hash + 8) + 2 * hash
    guard size >= needed, isVersion1 || Self.word(map, 4) == 2 else {
      throw Self.corrupt(path, "it is cut or of an unknown version")
    }
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: map.baseAddress), map.count) }

  /// Where the object begins in the pack; nil when it is not there.
  func offset(of id: ObjectID) throws(Failure) -> Int64? {
    let fanout = isVersion1 ? 0 : 8
    let first = Int(id.prefix >> 56)
    var low = first == 0 ? 0 : Int(Self.word(map, fanout + (first - 1) * 4))
    var high = Int(Self.word(map, fanout + first * 4))
    guard low <= high, high <= count else { throw Self.corrupt(path, "its counts are not in order") }
    while low < high {
      let middle = (low + high) / 2
      let start =
        isVersion1 ? fanout + 1024 + middle * (format.byteCount + 4) + 4 : fanout + 1024 + middle * format.byteCount
      guard
        let found = ObjectID(format, bytes: UnsafeRawBufferPointer(rebasing: map[start..<start + format.byteCount]))
      else { return nil }
      if found == id { return try offset(at: middle, nameStart: start) }
      if found < id { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  private func offset(at index: Int, nameStart: Int) throws(Failure) -> Int64 {
    if isVersion1 { return Int64(Self.word(map, nameStart - 4)) }
    let offsets = 8 + 1024 + count * (format.byteCount + 4)
    let word = Self.word(map, offsets + index * 4)
    guard word & 0x8000_0000 != 0 else { return Int64(word) }
    let large = offsets + count * 4 + Int(word & 0x7FFF_FFFF) * 8
    guard large + 8 <= map.count else { throw Self.corrupt(path, "an offset lies outside of it") }
    let value = UInt64(Self.word(map, large)) << 32 | UInt64(Self.word(map, large + 4))
    guard let offset = Int64(exactly: value) else { throw Self.corrupt(path, "an offset is too large") }
    return offset
  }

  private static func word(_ map: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
    UInt32(bigEndian: map.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  private static func corrupt(_ path: FilePath, _ what: String) -> Failure {
    .packCorrupt("the index '\(path)' is damaged: \(what)")
  }
}
