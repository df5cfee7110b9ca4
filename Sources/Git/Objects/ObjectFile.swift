import Diagnostics
import Glibc
import OCI
import SystemPackage

/// A finished object file: finds objects by name without reading the index into memory.
package final class ObjectFile: ObjectSource {
  /// Of the data.
  package let path: FilePath
  package let format: ObjectID.Format
  /// Objects in the file.
  package let count: Int
  /// Of the data, in bytes.
  package let size: ByteCount
  // Unchecked by the compiler, but never written: the mapping is read-only and lives as long as this object.
  private nonisolated(unsafe) let map: UnsafeRawBufferPointer
  private let stride: Int

  /// Opens the data at `path` and the index beside it; throws `git-store-corrupt` when the two are no whole file.
  package init(path: FilePath) throws(Failure) {
    let indexPath = ObjectIndexFile.path(of: path)
    let data = try OpenFile(path)
    let map = try Self.map(try OpenFile(indexPath), indexPath)
    do throws(Failure) {
      let header = try Self.check(map, path: indexPath)
      guard try data.size() == header.dataSize else { throw Self.corrupt(path, "it does not have the size it had") }
      (format, count) = (header.format, header.count)
      size = ByteCount(header.dataSize)
    } catch {
      munmap(UnsafeMutableRawPointer(mutating: map.baseAddress), map.count)
      throw error
    }
    self.path = path
    self.map = map
    stride = ObjectRecord.stride(format)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: map.baseAddress), map.count) }

  package func find(_ id: ObjectID) throws(Failure) -> StoredObject? {
    guard id.format == format else { return nil }
    let first = Int(id.prefix >> 56)
    var low = first == 0 ? 0 : fanout(first - 1)
    var high = fanout(first)
    while low < high {
      let middle = (low + high) / 2
      let record = record(middle)
      guard let found = record.id else { return nil }
      if found == id { return record.stored(in: path) }
      if found < id { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  /// The object with the `index`th name, from 0 up to `count`.
  package func object(at index: Int) -> (id: ObjectID, object: StoredObject)? {
    guard index >= 0, index < count, let id = record(index).id else { return nil }
    return (id, record(index).stored(in: path))
  }

  private func record(_ index: Int) -> ObjectRecord {
    let start = ObjectIndexFile.headerSize + ObjectIndexFile.fanoutSize + index * stride
    return ObjectRecord(format: format, bytes: UnsafeRawBufferPointer(rebasing: map[start..<start + stride]))
  }

  private func fanout(_ byte: Int) -> Int {
    let offset = ObjectIndexFile.headerSize + byte * 4
    return min(count, Int(UInt32(littleEndian: map.loadUnaligned(fromByteOffset: offset, as: UInt32.self))))
  }

  private static func map(_ file: OpenFile, _ path: FilePath) throws(Failure) -> UnsafeRawBufferPointer {
    let size = Int(try file.size())
    guard size >= ObjectIndexFile.headerSize + ObjectIndexFile.fanoutSize + ObjectIndexFile.checksumSize else {
      throw corrupt(path, "it is too short")
    }
    let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
    guard let start, start != MAP_FAILED else { throw Failure.gitFile(errno, "mapped", path) }
    return UnsafeRawBufferPointer(start: start, count: size)
  }

  private static func check(
    _ map: UnsafeRawBufferPointer, path: FilePath
  ) throws(Failure) -> (format: ObjectID.Format, count: Int, dataSize: Int64) {
    let body = UnsafeRawBufferPointer(rebasing: map[..<(map.count - ObjectIndexFile.checksumSize)])
    let hash = try LibraryHash(.sha256)
    hash.update(body)
    var checksum = [UInt8](repeating: 0, count: ObjectIndexFile.checksumSize)
    checksum.withUnsafeMutableBytes { hash.finish(into: $0) }
    guard checksum.elementsEqual(map[body.count...]) else { throw corrupt(path, "its checksum is wrong") }
    let words = (1...2).map { UInt32(littleEndian: map.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)) }
    guard map.prefix(4).elementsEqual(ObjectIndexFile.magic), words[0] == 1, words[1] == 20 || words[1] == 32 else {
      throw corrupt(path, "it is of another kind or version")
    }
    let format: ObjectID.Format = words[1] == 20 ? .sha1 : .sha256
    let count = UInt64(littleEndian: map.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
    let room = body.count - ObjectIndexFile.headerSize - ObjectIndexFile.fanoutSize
    let stride = ObjectRecord.stride(format)
    guard room % stride == 0, count == UInt64(room / stride) else { throw corrupt(path, "its size is wrong") }
    return (format, Int(count), Int64(littleEndian: map.loadUnaligned(fromByteOffset: 24, as: Int64.self)))
  }

  private static func corrupt(_ path: FilePath, _ what: String) -> Failure {
    Failure(
      .dataLoss, reason: "git-store-corrupt", "file '\(path)' of the git store is damaged: \(what)",
      hint: "remove the file; the objects are fetched again")
  }
}
