import Diagnostics
import Glibc
import OCI
import SystemPackage

/// One record of a table of objects: id, kind, whether there is a digest, offset, size, digest, without gaps.
///
/// It is what the index file holds too, so that writing one is copying records.
struct ObjectRecord {
  let format: ObjectID.Format
  let bytes: UnsafeRawBufferPointer

  static func stride(_ format: ObjectID.Format) -> Int { format.byteCount + 2 + 16 + 32 }

  private var fields: Int { format.byteCount }
  var id: ObjectID? { ObjectID(format, bytes: UnsafeRawBufferPointer(rebasing: bytes[..<format.byteCount])) }
  var kind: ObjectKind { ObjectKind(rawValue: bytes[fields]) ?? .blob }
  var hasDigest: Bool { bytes[fields + 1] == 1 }
  var offset: Int64 { Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: fields + 2, as: Int64.self)) }
  var size: Int64 { Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: fields + 10, as: Int64.self)) }
  var digest: Digest? {
    hasDigest ? Digest(.sha256, bytes: UnsafeRawBufferPointer(rebasing: bytes[(fields + 18)...])) : nil
  }

  func stored(in file: FilePath) -> StoredObject {
    StoredObject(kind: kind, file: file, offset: offset, size: size, digest: digest)
  }
}

/// The objects of a file that is being written, in memory: 70 bytes each and about 8 of a hash table.
final class ObjectTable {
  let format: ObjectID.Format
  private let stride: Int
  private(set) var count = 0
  private var capacity = 0
  private var storage: UnsafeMutableRawPointer?
  /// Record number and one; 0 is a free slot. Its size is a power of two.
  private var slots: [UInt32] = Array(repeating: 0, count: 1 << 10)
  // Names can be ground to fall into one slot by who knows the order of the slots.
  private let seed = UInt64.random(in: .min ... .max)

  init(_ format: ObjectID.Format) {
    self.format = format
    stride = ObjectRecord.stride(format)
  }

  deinit { free(storage) }

  subscript(index: Int) -> ObjectRecord {
    ObjectRecord(
      format: format, bytes: UnsafeRawBufferPointer(start: storage.map { $0 + index * stride }, count: stride))
  }

  /// The number of the object's record.
  func index(of id: ObjectID) -> Int? {
    guard id.format == format else { return nil }
    var slot = slot(of: id)
    while slots[slot] != 0 {
      let index = Int(slots[slot]) - 1
      if self[index].id == id { return index }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// Adds an object that is not there yet and returns its number.
  func append(_ id: ObjectID, _ kind: ObjectKind, offset: Int64, size: Int64, digest: UnsafeRawBufferPointer?)
    throws(Failure) -> Int
  {
    if count == capacity { try grow() }
    guard let storage else { throw Self.full }
    let record = UnsafeMutableRawBufferPointer(start: storage + count * stride, count: stride)
    id.write(to: record)
    let fields = format.byteCount
    record[fields] = kind.rawValue
    record[fields + 1] = digest == nil ? 0 : 1
    record.storeBytes(of: offset.littleEndian, toByteOffset: fields + 2, as: Int64.self)
    record.storeBytes(of: size.littleEndian, toByteOffset: fields + 10, as: Int64.self)
    let last = UnsafeMutableRawBufferPointer(rebasing: record[(fields + 18)...])
    if let digest { last.copyMemory(from: digest) } else { last.initializeMemory(as: UInt8.self, repeating: 0) }
    count += 1
    if count * 2 > slots.count { rehash(into: slots.count * 2) } else { insert(id, count) }
    return count - 1
  }

  /// Record numbers in the order of the names.
  func sorted() -> [UInt32] {
    guard let storage else { return [] }
    let (stride, length) = (stride, format.byteCount)
    return (0..<UInt32(count)).sorted { memcmp(storage + Int($0) * stride, storage + Int($1) * stride, length) < 0 }
  }

  private static var full: Failure {
    Failure(.resourceExhausted, reason: "out-of-memory", "no memory is left for the list of objects")
  }

  private func grow() throws(Failure) {
    let more = capacity == 0 ? 1 << 10 : capacity + capacity / 2
    guard more < UInt32.max, let grown = realloc(storage, more * stride) else { throw Self.full }
    (storage, capacity) = (grown, more)
  }

  private func slot(of id: ObjectID) -> Int {
    Int(truncatingIfNeeded: ((id.prefix ^ seed) &* 0x9E37_79B9_7F4A_7C15) >> 32) & (slots.count - 1)
  }

  private func insert(_ id: ObjectID, _ value: Int) {
    var slot = slot(of: id)
    while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = UInt32(value)
  }

  private func rehash(into size: Int) {
    slots = Array(repeating: 0, count: size)
    for index in 0..<count { if let id = self[index].id { insert(id, index + 1) } }
  }
}
