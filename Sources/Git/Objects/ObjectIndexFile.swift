import Diagnostics
import Glibc
import SystemPackage

/// The index beside an object file: a header, how many names begin with each byte, the records in the order of the
/// names, and the SHA-256 of all that.
///
/// Header, little-endian: `KGOI`, version 1 (UInt32), bytes of a name (UInt32), 0 (UInt32), records (UInt64), size of
/// the data (Int64); then 256 UInt32, each the number of records whose first byte is not greater.
enum ObjectIndexFile {
  static let magic = Array("KGOI".utf8)
  static let headerSize = 32
  static let fanoutSize = 256 * 4
  static let checksumSize = 32

  static func path(of data: FilePath) -> FilePath { FilePath(data.string + ".index") }

  /// Writes the index of `data` in one go: under another name, then renamed.
  static func write(_ table: ObjectTable, to data: FilePath) throws(Failure) {
    let path = path(of: data)
    let temporary = FilePath(path.string + ".new")
    let file = try OpenFile(temporary, flags: O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
    let output = try Output(file)
    let order = table.sorted()
    var dataSize: Int64 = 0
    var fanout = [UInt32](repeating: 0, count: 256)
    for index in 0..<table.count {
      let record = table[index]
      dataSize = max(dataSize, record.offset + record.size)
      fanout[Int(record.bytes[0])] += 1
    }
    for byte in 1..<256 { fanout[byte] += fanout[byte - 1] }
    try output.append(magic)
    for word in [1, UInt32(table.format.byteCount), 0] as [UInt32] { try output.append(number: word) }
    try output.append(number: UInt64(table.count))
    try output.append(number: dataSize)
    for count in fanout { try output.append(number: count) }
    for index in order { try output.append(table[Int(index)].bytes) }
    try output.finish()
    try OpenFile.retrying("renamed", path) {
      temporary.withPlatformString { old in path.withPlatformString { rename(old, $0) } }
    }
  }

  /// A small buffer in front of a file, and the checksum of what passed.
  private final class Output {
    private let file: OpenFile
    private let hash: LibraryHash
    private var bytes: [UInt8] = []
    private var offset: Int64 = 0

    init(_ file: OpenFile) throws(Failure) {
      self.file = file
      hash = try LibraryHash(.sha256)
      bytes.reserveCapacity(96 << 10)
    }

    func append(_ more: some Sequence<UInt8>) throws(Failure) {
      bytes.append(contentsOf: more)
      if bytes.count >= 64 << 10 { try send() }
    }

    func append(number: some FixedWidthInteger) throws(Failure) {
      withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    func finish() throws(Failure) {
      try send()
      var checksum = [UInt8](repeating: 0, count: checksumSize)
      checksum.withUnsafeMutableBytes { hash.finish(into: $0) }
      bytes = checksum
      try send()
    }

    private func send() throws(Failure) {
      let failure: Failure? = bytes.withUnsafeBytes { buffer in
        hash.update(buffer)
        do throws(Failure) {
          try file.write(buffer, at: offset)
          return nil
        } catch { return error }
      }
      if let failure { throw failure }
      offset += Int64(bytes.count)
      bytes.removeAll(keepingCapacity: true)
    }
  }
}
