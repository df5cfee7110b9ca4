import CCompression
import Diagnostics
import Glibc
import SystemPackage

/// Writes one of git's own files: big-endian numbers, and at the end the hash of all before it.
final class HashedOutput {
  private let file: OpenFile
  private let hash: LibraryHash
  private let format: ObjectID.Format
  private var bytes: [UInt8] = []
  private var sent: Int64 = 0

  /// Makes the file; one that is there is replaced.
  init(_ path: FilePath, _ format: ObjectID.Format) throws(Failure) {
    file = try OpenFile(path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
    hash = try LibraryHash(ofPacks: format)
    self.format = format
    bytes.reserveCapacity(96 << 10)
  }

  /// Bytes so far.
  var position: Int64 { sent + Int64(bytes.count) }

  func append(_ more: some Sequence<UInt8>) throws(Failure) {
    bytes.append(contentsOf: more)
    if bytes.count >= 64 << 10 { try send(hashed: true) }
  }

  func append(number: some FixedWidthInteger) throws(Failure) {
    withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    if bytes.count >= 64 << 10 { try send(hashed: true) }
  }

  /// Writes the hash and returns it.
  func finish() throws(Failure) -> [UInt8] {
    try send(hashed: true)
    bytes = [UInt8](repeating: 0, count: format.byteCount)
    bytes.withUnsafeMutableBytes { hash.finish(into: $0) }
    let trailer = bytes
    try send(hashed: false)
    return trailer
  }

  private func send(hashed: Bool) throws(Failure) {
    let failure: Failure? = bytes.withUnsafeBytes { buffer in
      if hashed { hash.update(buffer) }
      do throws(Failure) {
        try file.write(buffer, at: sent)
        return nil
      } catch { return error }
    }
    if let failure { throw failure }
    sent += Int64(bytes.count)
    bytes.removeAll(keepingCapacity: true)
  }
}
