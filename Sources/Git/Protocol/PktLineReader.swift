import Diagnostics

/// Cuts bytes as they come into packets; holds at most the one packet that a chunk's end cut in two.
final class PktLineReader {
  private let partial = UnsafeMutableRawBufferPointer.allocate(byteCount: PktLine.maximumLength, alignment: 16)
  private var filled = 0
  /// Of the packet being read, from the start of the answer; for messages.
  private var position: Int64 = 0

  deinit { partial.deallocate() }

  /// Hands on the packets that `chunk` completes; throws `git-protocol-error` for what is none.
  func read(
    _ chunk: UnsafeRawBufferPointer, _ body: (PktLine) throws(Failure) -> Void
  ) throws(Failure) {
    var rest = chunk[...]
    while !rest.isEmpty {
      if filled == 0, let length = try length(of: UnsafeRawBufferPointer(rebasing: rest)), length <= rest.count {
        // Whole packets are handed on where they lie.
        try deliver(UnsafeRawBufferPointer(rebasing: rest.prefix(length)), body)
        rest = rest.dropFirst(length)
        continue
      }
      try fill(from: &rest)
      let known = UnsafeRawBufferPointer(rebasing: partial[..<filled])
      guard let length = try length(of: known), filled == length else { continue }
      filled = 0
      try deliver(known, body)
    }
  }

  /// Throws where the answer ended inside a packet.
  func finish() throws(Failure) {
    if filled > 0 { throw .gitConnectionLost("answer ends inside the packet at byte \(position)") }
  }

  /// Copies as much as the header, or the packet that a known header announces, still needs.
  private func fill(from rest: inout Slice<UnsafeRawBufferPointer>) throws(Failure) {
    let goal = try length(of: UnsafeRawBufferPointer(rebasing: partial[..<filled])) ?? PktLine.headerLength
    let count = min(goal - filled, rest.count)
    UnsafeMutableRawBufferPointer(rebasing: partial[filled..<filled + count])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest.prefix(count)))
    filled += count
    rest = rest.dropFirst(count)
  }

  private func deliver(
    _ packet: UnsafeRawBufferPointer, _ body: (PktLine) throws(Failure) -> Void
  ) throws(Failure) {
    switch (packet.count, packet[3]) {
    case (PktLine.headerLength, UInt8(ascii: "0")): try body(.flush)
    case (PktLine.headerLength, UInt8(ascii: "1")): try body(.delimiter)
    case (PktLine.headerLength, UInt8(ascii: "2")): try body(.responseEnd)
    default: try body(.data(UnsafeRawBufferPointer(rebasing: packet[PktLine.headerLength...])))
    }
    position += Int64(packet.count)
  }

  /// Bytes of the packet that begins `bytes`, its header included; nil while the header is not all there.
  private func length(of bytes: UnsafeRawBufferPointer) throws(Failure) -> Int? {
    guard bytes.count >= PktLine.headerLength else { return nil }
    var length = 0
    for digit in bytes.prefix(PktLine.headerLength) {
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): length = length << 4 | Int(digit - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): length = length << 4 | Int(digit - UInt8(ascii: "a") + 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): length = length << 4 | Int(digit - UInt8(ascii: "A") + 10)
      default:
        let header = RemoteText.clean(UnsafeRawBufferPointer(rebasing: bytes.prefix(PktLine.headerLength)))
        throw .gitProtocol("packet at byte \(position) begins with \"\(header)\", which is no length")
      }
    }
    switch length {
    case 0...2: return PktLine.headerLength
    case 3: throw .gitProtocol("packet at byte \(position) has the length 3, which nothing can have")
    case (PktLine.maximumLength + 1)...:
      throw .gitProtocol(
        "packet at byte \(position) has \(length) bytes, more than the \(PktLine.maximumLength) allowed")
    default: return length
    }
  }
}
