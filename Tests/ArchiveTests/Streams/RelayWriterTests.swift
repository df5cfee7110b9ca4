import Archive
import Diagnostics
import Testing

@Suite struct RelayWriterTests {
  @Test("what comes out is what went in, in its order", arguments: [10, 4 << 20, (4 << 20) + 1, 11_000_003])
  func order(size: Int) throws {
    let bytes = Sample.noise(size)
    let collected = BytesWriter()
    let relay = RelayWriter(into: collected)
    for start in stride(from: 0, to: size, by: 777_777) {
      try relay.write(Array(bytes[start..<min(size, start + 777_777)]))
    }
    try relay.finish()
    #expect(collected.isFinished)
    #expect(Sample.same(collected.bytes, bytes))
  }

  private final class FullDisk: ByteWriter {
    private var room: Int
    init(room: Int) { self.room = room }
    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
      room -= bytes.count
      if room < 0 { throw Failure(.resourceExhausted, reason: "disk-full", "full") }
    }
    func finish() throws(Failure) {}
  }

  @Test("a failure of the writer below is told, at the latest at the end", arguments: [0, 5 << 20, 9 << 20])
  func failure(room: Int) throws {
    let relay = RelayWriter(into: FullDisk(room: room))
    let failure = #expect(throws: Failure.self) {
      for _ in 0..<10 { try relay.write([UInt8](repeating: 1, count: 1 << 20)) }
      try relay.finish()
    }
    #expect(failure?.reason == "disk-full")
  }
}
