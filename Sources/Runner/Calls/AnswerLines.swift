import NIOCore

/// Ends the lines of an answer's head with CR LF where an app ended them with LF alone, which RFC 9112 §2.2 lets whoever
/// reads a message take for the same; NIO's decoder does not. Scripts of CGI write such heads. Requests have no such
/// leave: there two readers who disagree make two requests of one.
///
/// Nothing is gathered: pieces pass as they come, and the decoder behind sees to the head's size.
final class AnswerLines: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private enum Place {
    /// Not in a head: bytes pass as they are.
    case outside
    /// Before a head's first line.
    case before
    case inside(isInformational: Bool)
  }

  private var place = Place.outside
  /// Of the line that is being read, what came in earlier pieces: how much, its last byte, and what tells an
  /// informational head from others.
  private var lineLength = 0
  private var last: UInt8 = 0
  private var status: [UInt8] = []

  /// The next byte begins an answer.
  func expect() {
    place = .before
    beginLine()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard isInHead else { return context.fireChannelRead(data) }
    let piece = Self.unwrapInboundIn(data)
    let missing = piece.withUnsafeReadableBytes { gaps(in: $0) }
    context.fireChannelRead(Self.wrapInboundOut(missing.isEmpty ? piece : Self.filling(missing, of: piece)))
  }

  private var isInHead: Bool { if case .outside = place { false } else { true } }

  /// Where a CR is missing.
  private func gaps(in bytes: UnsafeRawBufferPointer) -> [Int] {
    var gaps: [Int] = []
    var from = 0
    while isInHead, let end = bytes[from...].firstIndex(of: 0x0a) {
      keep(bytes[from..<end])
      if last != 0x0d { gaps.append(end) }
      endLine()
      from = end + 1
    }
    if isInHead { keep(bytes[from...]) }
    return gaps
  }

  private func keep(_ part: Slice<UnsafeRawBufferPointer>) {
    if case .before = place { status += part.prefix(12 - status.count) }
    lineLength += part.count
    last = part.last ?? last
  }

  private func endLine() {
    let isEmpty = lineLength == 0 || (lineLength == 1 && last == 0x0d)
    switch place {
    case .outside: break
    // Decoders read over empty lines before a head.
    case .before: if !isEmpty { place = .inside(isInformational: Self.isInformational(status)) }
    // The answer itself is still to come.
    case .inside(let isInformational): if isEmpty { place = isInformational ? .before : .outside }
    }
    beginLine()
  }

  private func beginLine() {
    lineLength = 0
    last = 0
    status.removeAll(keepingCapacity: true)
  }

  /// Whether a status line says 1xx. After 101 come bytes of another protocol.
  private static func isInformational(_ status: [UInt8]) -> Bool {
    status.count == 12 && status.starts(with: "HTTP/1.".utf8) && status[8] == 0x20 && status[9] == 0x31
      && !status.suffix(3).elementsEqual("101".utf8)
  }

  private static func filling(_ gaps: [Int], of piece: ByteBuffer) -> ByteBuffer {
    var whole = ByteBuffer()
    whole.reserveCapacity(piece.readableBytes + gaps.count)
    var from = 0
    let bytes = piece.readableBytesView
    for gap in gaps {
      whole.writeBytes(bytes[bytes.startIndex + from..<bytes.startIndex + gap])
      whole.writeInteger(UInt8(0x0d))
      from = gap
    }
    whole.writeBytes(bytes[(bytes.startIndex + from)...])
    return whole
  }
}
