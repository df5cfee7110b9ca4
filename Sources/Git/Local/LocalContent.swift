import Diagnostics
import Glibc
import SystemPackage

/// Takes one object's content.
protocol ContentTarget: AnyObject {
  func begin(_ kind: ObjectKind, size: Int64) throws(Failure)
  func take(_ bytes: UnsafeRawBufferPointer) throws(Failure)
}

/// The content of one object on its way through a delta chain: in memory while small, else in a file without a name.
final class LocalContent: ContentTarget {
  static let memorySize: Int64 = 4 << 20
  /// `O_TMPFILE`, which the importer drops: a file without a name.
  private static let temporaryFile: CInt = 0o20_000_000 | O_DIRECTORY
  private(set) var kind = ObjectKind.blob
  private(set) var size: Int64 = 0
  private(set) var bytes: [UInt8] = []
  private var file: OpenFile?
  private var position: Int64 = 0

  func begin(_ kind: ObjectKind, size: Int64) throws(Failure) {
    (self.kind, self.size) = (kind, size)
    if size <= Self.memorySize { return bytes.reserveCapacity(Int(size)) }
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    file = try OpenFile(FilePath(folder), flags: O_RDWR | Self.temporaryFile, mode: 0o600)
  }

  func take(_ more: UnsafeRawBufferPointer) throws(Failure) {
    if let file { try file.write(more, at: position) } else { bytes.append(contentsOf: more) }
    position += Int64(more.count)
  }

  /// Hands a range, which lies in the content, to `target` in pieces.
  func send(_ offset: Int64, _ count: Int64, to target: any ContentTarget) throws(Failure) {
    guard let file else {
      let failure: Failure? = bytes.withUnsafeBytes { all in
        do throws(Failure) {
          try target.take(UnsafeRawBufferPointer(rebasing: all[Int(offset)..<Int(offset + count)]))
          return nil
        } catch { return error }
      }
      if let failure { throw failure }
      return
    }
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(min(count, 256 << 10)), alignment: 64)
    defer { piece.deallocate() }
    var done: Int64 = 0
    while done < count {
      try checkGitCancellation()
      let part = UnsafeMutableRawBufferPointer(rebasing: piece[..<Int(min(Int64(piece.count), count - done))])
      try file.fill(part, at: offset + done)
      try target.take(UnsafeRawBufferPointer(part))
      done += Int64(part.count)
    }
  }
}

/// Applies one delta of a local pack.
final class LocalDeltaTarget: DeltaTarget {
  private let base: LocalContent
  private let target: any ContentTarget

  init(base: LocalContent, target: any ContentTarget) {
    self.base = base
    self.target = target
  }

  var baseSize: Int64 { base.size }
  func beginResult(size: Int64) throws(Failure) { try target.begin(base.kind, size: size) }
  func insert(_ bytes: UnsafeRawBufferPointer) throws(Failure) { try target.take(bytes) }
  func copyFromBase(_ offset: Int64, _ count: Int64) throws(Failure) { try base.send(offset, count, to: target) }
}
