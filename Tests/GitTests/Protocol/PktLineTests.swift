import Diagnostics
import Testing

@testable import Git

@Suite("Packets of git's wire")
struct PktLineTests {
  /// The packets of `text`, fed in pieces of `size` bytes: texts, and `|flush|` and its like for marks.
  private func packets(_ bytes: [UInt8], pieces size: Int) throws(Failure) -> [String] {
    var packets: [String] = []
    let reader = PktLineReader()
    for start in stride(from: 0, to: bytes.count, by: size) {
      try reader.feed(bytes[start..<min(start + size, bytes.count)]) { packet throws(Failure) in
        switch packet {
        case .data(let bytes): packets.append(String(decoding: bytes, as: UTF8.self))
        case .flush: packets.append("|flush|")
        case .delimiter: packets.append("|delimiter|")
        case .responseEnd: packets.append("|end|")
        }
      }
    }
    try reader.finish()
    return packets
  }

  @Test("packets are the same however the bytes are cut", arguments: 1...20)
  func cuts(size: Int) throws {
    let wire = Array("0009hello00000005a0001000400020006\n\n".utf8)
    #expect(try packets(wire, pieces: size) == ["hello", "|flush|", "a", "|delimiter|", "", "|end|", "\n\n"])
  }

  @Test("the largest packet is taken, whole and cut", arguments: [1 << 17, 4096, 65519])
  func largest(size: Int) throws {
    let content = [UInt8](repeating: 0x78, count: 65516)
    let read = try packets(Array("fff0".utf8) + content + Array("0000".utf8), pieces: size)
    #expect(read.count == 2)
    #expect(read.first?.utf8.count == 65516)
  }

  @Test(
    "what is no packet is refused", arguments: ["0003", "fff1", "ffff", "00g0", "\u{1B}[2J", "<!do", "-001", "+005a"])
  func refused(wire: String) throws {
    for size in [1, 64] {
      let failure = #expect(throws: Failure.self) { try packets(Array(wire.utf8), pieces: size) }
      #expect(failure?.reason == "git-protocol-error")
      #expect(failure?.message.unicodeScalars.contains("\u{1B}") == false)
    }
  }

  @Test("an answer cut at any byte inside a packet is told from a whole one", arguments: 1..<9)
  func truncated(length: Int) throws {
    let failure = #expect(throws: Failure.self) { try packets(Array("0009hello".utf8.prefix(length)), pieces: 3) }
    #expect(failure?.reason == "git-connection-lost")
  }

  @Test("lines are written with their lengths")
  func written() throws {
    var writer = PktLineWriter()
    writer.line("command=ls-refs")
    writer.delimiter()
    writer.line(String(repeating: "x", count: 300))
    writer.flush()
    #expect(
      try packets(writer.bytes, pieces: 1000)
        == ["command=ls-refs\n", "|delimiter|", String(repeating: "x", count: 300) + "\n", "|flush|"])
  }
}

extension PktLineReader {
  /// Feeds bytes of an array.
  func feed(
    _ bytes: some Sequence<UInt8>, _ body: (PktLine) throws(Failure) -> Void
  ) throws(Failure) {
    var thrown: Failure?
    Array(bytes).withUnsafeBytes { buffer in
      do throws(Failure) { try read(buffer, body) } catch { thrown = error }
    }
    if let thrown { throw thrown }
  }
}

/// Packets written by hand.
enum Wire {
  static let flush = Array("0000".utf8)
  static let delimiter = Array("0001".utf8)
  static func packet(_ content: some Sequence<UInt8>) -> [UInt8] {
    let content = Array(content)
    let length = String(content.count + 4, radix: 16)
    return Array((String(repeating: "0", count: 4 - length.count) + length).utf8) + content
  }
  static func line(_ text: String) -> [UInt8] { packet((text + "\n").utf8) }
  static func band(_ band: UInt8, _ text: String) -> [UInt8] { packet([band] + Array(text.utf8)) }
}
