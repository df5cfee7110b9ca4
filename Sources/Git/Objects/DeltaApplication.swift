import Diagnostics

/// What a delta copies from and makes.
protocol DeltaTarget: AnyObject {
  var baseSize: Int64 { get }
  /// The size of the result is known, and within the limit.
  func beginResult(size: Int64) throws(Failure)
  /// A range of the base, which lies in it.
  func copyFromBase(_ offset: Int64, _ count: Int64) throws(Failure)
  func insert(_ bytes: UnsafeRawBufferPointer) throws(Failure)
}

/// Applies one delta while its bytes arrive (gitformat-pack, "Deltified representation"): nothing of it is held but
/// the instruction that is not whole yet.
struct DeltaApplication {
  private enum State {
    case baseSize, resultSize
    /// Between two instructions.
    case operation
    case copyArguments
    /// Literal bytes still to come.
    case insert(Int)
  }

  private var state = State.baseSize
  private var number: UInt64 = 0
  private var shift: UInt64 = 0
  // Of a copy instruction: its first byte, which argument comes next (0–3 offset, 4–6 size), and the values.
  private var operation: UInt8 = 0
  private var argument = 0
  private var copyOffset: Int64 = 0
  private var copySize: Int64 = 0
  private var resultSize: Int64 = 0
  private var written: Int64 = 0
  private let limit: ByteCount

  /// `limit` bounds the result.
  init(limit: ByteCount) { self.limit = limit }

  /// The next bytes of the delta; begins the object in the writer as soon as its size is known.
  mutating func feed(_ bytes: UnsafeRawBufferPointer, to target: any DeltaTarget) throws(Failure) {
    var position = 0
    while position < bytes.count {
      switch state {
      case .baseSize:
        guard let size = try varint(bytes[position]) else { break }
        guard size == UInt64(target.baseSize) else {
          throw .packCorrupt("a delta is for a base of \(size) bytes, but its base has \(target.baseSize)")
        }
        state = .resultSize
      case .resultSize:
        guard let size = try varint(bytes[position]) else { break }
        guard size <= UInt64(limit.bytes) else { throw .objectTooLarge(Int64(clamping: size), limit: limit) }
        resultSize = Int64(size)
        try target.beginResult(size: resultSize)
        state = .operation
      case .operation:
        try begin(bytes[position])
        if case .copyArguments = state { try copyIfComplete(target) }
      case .copyArguments:
        take(bytes[position])
        try copyIfComplete(target)
      case .insert(let missing):
        let count = min(missing, bytes.count - position)
        try target.insert(UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
        state = count == missing ? .operation : .insert(missing - count)
        position += count
        continue
      }
      position += 1
    }
  }

  /// The delta is over; throws when an instruction or a part of the result is missing.
  func finish() throws(Failure) {
    guard case .operation = state else { throw .packCorrupt("a delta ends in the middle of an instruction") }
    guard written == resultSize else {
      throw .packCorrupt("a delta makes \(written) bytes and announced \(resultSize)")
    }
  }

  /// The number when `byte` is its last one.
  private mutating func varint(_ byte: UInt8) throws(Failure) -> UInt64? {
    guard shift < 63 else { throw .packCorrupt("a size in a delta has too many digits") }
    number |= UInt64(byte & 0x7F) << shift
    shift += 7
    guard byte & 0x80 == 0 else { return nil }
    defer { (number, shift) = (0, 0) }
    return number
  }

  private mutating func begin(_ byte: UInt8) throws(Failure) {
    guard byte != 0 else { throw .packCorrupt("a delta has the reserved instruction 0") }
    if byte & 0x80 == 0 {
      try count(Int64(byte))
      state = .insert(Int(byte))
      return
    }
    (operation, argument, copyOffset, copySize) = (byte, 0, 0, 0)
    skipAbsentArguments()
    state = .copyArguments
  }

  private mutating func skipAbsentArguments() {
    while argument < 7, operation & 1 << UInt8(argument) == 0 { argument += 1 }
  }

  private mutating func take(_ byte: UInt8) {
    if argument < 4 {
      copyOffset |= Int64(byte) << Int64(argument * 8)
    } else {
      copySize |= Int64(byte) << Int64((argument - 4) * 8)
    }
    argument += 1
    skipAbsentArguments()
  }

  private mutating func copyIfComplete(_ target: any DeltaTarget) throws(Failure) {
    guard argument == 7 else { return }
    let size = copySize == 0 ? 0x10000 : copySize
    guard copyOffset + size <= target.baseSize else {
      throw .packCorrupt("a delta copies bytes \(copyOffset)..<\(copyOffset + size) of a base of \(target.baseSize)")
    }
    try count(size)
    try target.copyFromBase(copyOffset, size)
    state = .operation
  }

  private mutating func count(_ size: Int64) throws(Failure) {
    written += size
    guard written <= resultSize else { throw .packCorrupt("a delta makes more than the \(resultSize) bytes announced") }
  }
}
