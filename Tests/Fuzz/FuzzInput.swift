import CCompression
import Diagnostics
import Glibc
import SystemPackage

@testable import Git

/// What reads bytes of strangers, each with an input of its own: the first byte says which.
///
/// Everything may be refused with a `Failure`; nothing may trap, hang, or grow beyond its limits.
package enum FuzzInput {
  /// Limits small enough that an input cannot legally take long.
  private static let limits: GitLimits = {
    var limits = GitLimits()
    limits.objects = 2000
    limits.objectSize = .mebibytes(1)
    limits.unpackedSize = .mebibytes(4)
    limits.references = 1000
    limits.listSize = .mebibytes(1)
    return limits
  }()

  /// How many readers there are.
  package static let readers: UInt8 = 8

  /// Runs one input; `scratch` is a folder for its files.
  package static func run(_ input: [UInt8], scratch: FilePath) {
    guard let first = input.first else { return }
    let rest = Array(input.dropFirst())
    do throws(Failure) {
      switch first % readers {
      case 0: try pack(rest, scratch, piece: 65_536)
      case 1: try pack(rest, scratch, piece: 3)
      case 2: try pack(entries(rest), scratch, piece: 97)
      case 3: try delta(rest)
      case 4: try advertisement(rest)
      case 5: try answer(rest, scratch)
      case 6: try objects(rest)
      default: try archive(rest, scratch)
      }
    } catch {}
  }

  private struct Nothing: ObjectSource {
    func find(_ id: ObjectID) throws(Failure) -> StoredObject? { nil }
  }

  /// A pack to which the trailer it needs is added, since no mutation would ever find it.
  private static func pack(_ body: [UInt8], _ scratch: FilePath, piece: Int) throws(Failure) {
    let hash = try LibraryHash(.sha1)
    body.withUnsafeBytes { hash.update($0) }
    var trailer = [UInt8](repeating: 0, count: 20)
    trailer.withUnsafeMutableBytes { hash.finish(into: $0) }
    let path = scratch.appending("objects")
    let writer = try ObjectFileWriter(path: path, format: .sha1, limits: limits)
    defer { writer.discard() }
    let intake = try PackIntake(writer: writer, limits: limits)
    try feed(body + trailer, piece) { (bytes) throws(Failure) in try intake.writePack(bytes, bases: Nothing()) }
    try intake.endPack()
    try writer.finish()
    let file = try ObjectFile(path: path)
    for index in 0..<file.count {
      guard let (id, object) = file.object(at: index) else { continue }
      let content = try object.contents(limit: limits.objectSize)
      let hasher = try ObjectHasher(.sha1)
      hasher.begin(object.kind, size: object.size)
      content.withUnsafeBytes { hasher.update($0) }
      let name = try hasher.finish()
      // The one thing that must hold whatever comes in.
      if name != id { abort() }
    }
  }

  /// A pack of well-formed streams around wild headers and deltas: kind, content length, base, and the content.
  private static func entries(_ recipe: [UInt8]) -> [UInt8] {
    var rest = recipe[...]
    var count: UInt32 = 0
    var body: [UInt8] = []
    var starts: [Int] = []
    while count < 200, let kind = rest.popFirst(), let length = rest.popFirst() {
      let choice = rest.popFirst() ?? 0
      let content = Array(rest.prefix(Int(length)))
      rest = rest.dropFirst(content.count)
      starts.append(body.count)
      let size = kind & 0x40 == 0 ? content.count : content.count ^ 1
      body.append(kind << 4 & 0x70 | UInt8(size & 15) | (size > 15 ? 0x80 : 0))
      if size > 15 { body.append(UInt8(size >> 4)) }
      if kind & 7 == 6 {
        let back = body.count - (size > 15 ? 2 : 1) - starts[Int(choice) % starts.count]
        body += back < 128 ? [UInt8(back)] : [UInt8((back - 128) >> 7 & 0x7F) | 0x80, UInt8(back & 0x7F)]
      } else if kind & 7 == 7 {
        body += [UInt8](repeating: choice, count: 20)
      }
      body += stored(content)
      count += 1
    }
    return Array("PACK".utf8) + [0, 0, 0, 2, 0, 0, UInt8(count >> 8), UInt8(count & 255)] + body
  }

  /// A zlib stream of one stored block.
  private static func stored(_ content: [UInt8]) -> [UInt8] {
    let sum = UInt32(truncatingIfNeeded: adler32(1, content, uInt(content.count)))
    let length = UInt16(content.count)
    return [0x78, 0x01, 1, UInt8(length & 255), UInt8(length >> 8), UInt8(~length & 255), UInt8(~length >> 8)] + content
      + stride(from: 24, through: 0, by: -8).map { UInt8(sum >> UInt32($0) & 255) }
  }

  /// Counts what a delta makes of a base that is only a size.
  private final class Count: DeltaTarget {
    let baseSize: Int64
    var announced: Int64 = 0
    var made: Int64 = 0
    init(baseSize: Int64) { self.baseSize = baseSize }
    func beginResult(size: Int64) throws(Failure) { announced = size }
    func copyFromBase(_ offset: Int64, _ count: Int64) throws(Failure) {
      if offset < 0 || count <= 0 || offset + count > baseSize { abort() }
      made += count
      if made > announced { abort() }
    }
    func insert(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
      made += Int64(bytes.count)
      if made > announced { abort() }
    }
  }

  private static func delta(_ bytes: [UInt8]) throws(Failure) {
    guard let size = bytes.first else { return }
    let target = Count(baseSize: Int64(size))
    var delta = DeltaApplication(limit: limits.objectSize)
    try feed(Array(bytes.dropFirst()), Int(size % 5) + 1) { (piece) throws(Failure) in
      try delta.feed(piece, to: target)
    }
    try delta.finish()
    if target.made != target.announced { abort() }
  }

  private static func advertisement(_ bytes: [UInt8]) throws(Failure) {
    let packets = PktLineReader()
    var reader = AdvertisementReader(limits: limits)
    try feed(bytes, 50) { (piece) throws(Failure) in
      try packets.read(piece) { (packet) throws(Failure) in try reader.take(packet) }
    }
    try packets.finish()
    _ = try reader.finish()
  }

  private static func answer(_ bytes: [UInt8], _ scratch: FilePath) throws(Failure) {
    let version = Int(bytes.first ?? 0) % 3
    let advertisement = Advertisement(
      version: version, capabilities: Capabilities(words: ["fetch=shallow", "shallow", "side-band-64k"]), format: .sha1,
      references: [])
    let order = FetchOrder(request: FetchRequest(wants: []), advertisement: advertisement)
    var reader = FetchAnswerReader(order: order, limits: limits)
    let packets = PktLineReader()
    try feed(Array(bytes.dropFirst()), 50) { (piece) throws(Failure) in
      try packets.read(piece) { (packet) throws(Failure) in
        try reader.take(packet, pack: { (_) throws(Failure) in }, words: { (_) throws(Failure) in })
      }
    }
    try reader.finish()
  }

  private static func objects(_ bytes: [UInt8]) throws(Failure) {
    guard let id = ObjectID(hex: String(repeating: "0", count: 40)) else { return }
    _ = try? Commit(bytes, id: id)
    _ = try? Tag(bytes, id: id)
    var tree = TreeReader(bytes, id: id)
    while try tree.next() != nil {}
  }

  private static func feed(
    _ bytes: [UInt8], _ piece: Int, _ take: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    var position = 0
    while position < bytes.count {
      let part = Array(bytes[position..<min(bytes.count, position + piece)])
      position += part.count
      let failure: Failure? = part.withUnsafeBytes { buffer in
        do throws(Failure) {
          try take(buffer)
          return nil
        } catch { return error }
      }
      if let failure { throw failure }
    }
  }
}
