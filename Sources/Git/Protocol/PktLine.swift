/// One packet of the wire (gitprotocol-common, "pkt-line Format"); its bytes are borrowed for the call that hands it on.
enum PktLine {
  case data(UnsafeRawBufferPointer)
  /// `0000`: the end of a message.
  case flush
  /// `0001`: the end of a section of a message.
  case delimiter
  /// `0002`: the end of a response, where a connection has no end of its own.
  case responseEnd

  /// The largest packet, its four digits included.
  static let maximumLength = 65520
  static let headerLength = 4
}

/// Collects the packets of one request.
struct PktLineWriter {
  private(set) var bytes: [UInt8] = []

  /// A line of text, its newline added; none of ours comes near the largest packet.
  mutating func line(_ text: String) {
    let length = String(text.utf8.count + PktLine.headerLength + 1, radix: 16)
    bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: max(0, PktLine.headerLength - length.utf8.count)))
    bytes.append(contentsOf: length.utf8)
    bytes.append(contentsOf: text.utf8)
    bytes.append(UInt8(ascii: "\n"))
  }

  mutating func flush() { bytes.append(contentsOf: "0000".utf8) }
  mutating func delimiter() { bytes.append(contentsOf: "0001".utf8) }
}
