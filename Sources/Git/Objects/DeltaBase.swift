import Diagnostics
import SystemPackage

/// The content a delta copies from, and the writer its result goes to: whole in a buffer that is used
/// again when it is small, else read by ranges.
final class DeltaBase: DeltaTarget {
  /// Where a base lies: in the file being written, or in another one.
  enum Place: Hashable {
    case written(offset: Int64)
    case stored(FilePath, offset: Int64)
  }

  /// Bases up to here are read whole.
  static let wholeSize: Int64 = 4 << 20
  /// Work up to here is never held against what was received.
  private static let unmeasuredSize: Int64 = 256 << 20

  private let writer: ObjectFileWriter
  private var whole = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)
  private let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
  private var place: Place?
  private(set) var kind = ObjectKind.blob
  private(set) var baseSize: Int64 = 0
  private var isWhole = false
  private var other: OpenFile?
  /// Bytes that deltas may make, and that may be read as whole bases, each in all; grows with what is received.
  private var allowance = DeltaBase.unmeasuredSize
  private var made: Int64 = 0
  private var loaded: Int64 = 0

  init(writer: ObjectFileWriter) { self.writer = writer }

  deinit {
    whole.deallocate()
    piece.deallocate()
  }

  /// Allows for `received` bytes of packs, in all, the work of `ratio` times as many.
  func allow(received: Int64, ratio: Int) {
    let paid = received.multipliedReportingOverflow(by: Int64(ratio))
    allowance = paid.overflow ? .max : max(paid.partialValue, paid.partialValue &+ Self.unmeasuredSize)
  }

  /// Makes an object of the file being written the base.
  func load(record: ObjectRecord) throws(Failure) {
    try load(.written(offset: record.offset), kind: record.kind, size: record.size)
  }

  /// Makes an object of another file the base.
  func load(_ object: StoredObject) throws(Failure) {
    try load(.stored(object.file, offset: object.offset), kind: object.kind, size: object.size)
  }

  func beginResult(size: Int64) throws(Failure) {
    try writer.beginObject(kind, size: size)
    made += size
    guard made <= allowance else { throw Self.tooMuch("deltas make \(ByteCount(made))") }
  }

  func insert(_ bytes: UnsafeRawBufferPointer) throws(Failure) { try writer.write(bytes) }

  func copyFromBase(_ offset: Int64, _ count: Int64) throws(Failure) {
    if isWhole { return try writer.write(UnsafeRawBufferPointer(rebasing: whole[Int(offset)..<Int(offset + count)])) }
    var done: Int64 = 0
    while done < count {
      try checkGitCancellation()
      let part = UnsafeMutableRawBufferPointer(rebasing: piece[..<Int(min(Int64(piece.count), count - done))])
      try read(at: offset + done, into: part)
      try writer.write(UnsafeRawBufferPointer(part))
      done += Int64(part.count)
    }
  }

  private func load(_ place: Place, kind: ObjectKind, size: Int64) throws(Failure) {
    // An empty object lies where the next one begins, so the place alone is no name.
    guard place != self.place || size != baseSize || kind != self.kind else { return }
    self.place = nil
    if case .stored(let path, _) = place, other?.path != path { other = try OpenFile(path) }
    (self.kind, baseSize, isWhole) = (kind, size, size <= Self.wholeSize)
    self.place = place
    guard isWhole else { return }
    try checkGitCancellation()
    loaded += size
    guard loaded <= allowance else {
      self.place = nil
      throw Self.tooMuch("deltas are applied to bases of \(ByteCount(loaded))")
    }
    if whole.count < Int(size) {
      whole.deallocate()
      whole = .allocate(byteCount: Int(size), alignment: 64)
    }
    do throws(Failure) {
      try read(at: 0, into: UnsafeMutableRawBufferPointer(rebasing: whole[..<Int(size)]))
    } catch {
      self.place = nil
      throw error
    }
  }

  private static func tooMuch(_ what: String) -> Failure {
    .gitLimit("git-delta-ratio", "\(what) together, far more than a pack of its size should", name: "delta-ratio")
  }

  private func read(at offset: Int64, into target: UnsafeMutableRawBufferPointer) throws(Failure) {
    switch place {
    case .written(let start): try writer.read(at: start + offset, into: target)
    case .stored(_, let start): try other?.fill(target, at: start + offset)
    case nil: throw Failure(.internal, reason: "git-delta-base", "a delta has no base")
    }
  }
}
