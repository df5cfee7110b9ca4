import Diagnostics

/// Feeds a decoder from a source and hands out what it unpacks.
final class DecodingReader: ByteReader {
  private let source: any ByteReader
  private let decoder: any StreamDecoder
  private let buffer = FixedBuffer(capacity: 128 << 10)
  private var start = 0
  private var end = 0
  private var sourceEnded = false
  private var memberEnded = false
  private var finished = false

  init(over source: any ByteReader, decoder: any StreamDecoder) {
    self.source = source
    self.decoder = decoder
  }

  func read(into output: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    if output.isEmpty { return 0 }
    while !finished {
      if memberEnded {
        try beginNextMember()
        continue
      }
      let step = try decoder.decode(buffer.view(start..<end), into: output, inputEnded: sourceEnded)
      start += step.consumed
      memberEnded = step.memberEnded
      if step.produced > 0 { return step.produced }
      if step.memberEnded || start < end && step.consumed > 0 { continue }
      guard start == end else { throw .archiveCorrupt("\(decoder.name) data makes no sense") }
      if sourceEnded { throw .archiveTruncated("\(decoder.name) data ends before its end mark") }
      try refill()
    }
    return 0
  }

  private func refill() throws(Failure) {
    start = 0
    end = 0
    end = try source.read(into: buffer.bytes)
    if end == 0 { sourceEnded = true }
  }

  private func beginNextMember() throws(Failure) {
    if start == end { try refill() }
    if sourceEnded {
      finished = true
      return
    }
    switch decoder.continuation {
    case .member(let first) where buffer.bytes[start] != first:
      try skipPadding()
      finished = true
    case .nothing: throw trailingBytes
    case .member, .library:
      decoder.restart()
      memberEnded = false
    }
  }

  private var trailingBytes: Failure {
    .archiveCorrupt("\(decoder.name) data is followed by bytes that don't belong to it")
  }

  /// Zeros after the last member are padding to a block of the medium, as gzip(1) takes them; else it is no archive.
  private func skipPadding() throws(Failure) {
    while !sourceEnded {
      guard buffer.view(start..<end).allSatisfy({ $0 == 0 }) else { throw trailingBytes }
      try refill()
    }
  }
}
