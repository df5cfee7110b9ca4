import Diagnostics
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Git

@Suite("packs that lie")
struct HostilePackTests {
  static let base = Array("a base of some length, to be copied from".utf8)

  /// A pack that is wrong in one way, and how it is refused.
  struct Lie: Sendable, CustomTestStringConvertible {
    var name: String
    var reason = "git-pack-corrupt"
    var says: String
    var make: @Sendable () throws -> [UInt8]
    var testDescription: String { name }
  }

  private static func withDelta(result: UInt64, _ rest: [UInt8], base size: UInt64? = nil) throws -> [UInt8] {
    var pack = HandmadePack(objects: 2)
    let start = pack.offset
    pack.object(.blob, base)
    let delta = HandmadePack.instructions(base: size ?? UInt64(base.count), result: result, rest)
    pack.delta(distance: pack.offset - start, delta)
    return try pack.sealed()
  }

  private static func withEntry(_ make: (inout HandmadePack) -> Void) throws -> [UInt8] {
    var pack = HandmadePack(objects: 1)
    make(&pack)
    return try pack.sealed()
  }

  static let lies: [Lie] = [
    Lie(name: "no pack at all", says: "does not begin with 'PACK'") { Array("<!DOCTYPE html><html>".utf8) },
    Lie(name: "version 9", says: "version 9") { try HandmadePack(objects: 0, version: 9).sealed() },
    Lie(name: "2^32-1 objects", reason: "git-too-many-objects", says: "4294967295") {
      try HandmadePack(objects: .max).sealed()
    },
    Lie(name: "more objects than there are", says: "damaged at offset 62") {
      var pack = HandmadePack(objects: 100)
      pack.object(.blob, base)
      return try pack.sealed()
    },
    Lie(name: "bytes after the end", says: "bytes follow") { try HandmadePack(objects: 0).sealed() + [0] },
    Lie(name: "a wrong trailer", says: "checksum is wrong") {
      try HandmadePack(objects: 0).sealed().dropLast() + [0]
    },
    Lie(name: "an object of 2^60 bytes", reason: "git-object-too-large", says: "1152921504606846976") {
      try withEntry { $0.header(3, size: 1 << 60) }
    },
    Lie(name: "a size without end", says: "too many digits") {
      try withEntry { $0.bytes += [UInt8](repeating: 0xFF, count: 40) }
    },
    Lie(name: "type 0", says: "its type is 0") { try withEntry { $0.bytes += [0x00] } },
    Lie(name: "type 5", says: "its type is 5") { try withEntry { $0.bytes += [0x50] } },
    Lie(name: "a content larger than announced", says: "more than the 3 bytes") {
      try withEntry {
        $0.header(3, size: 3)
        $0.bytes += HandmadePack.zlib(base)
      }
    },
    Lie(name: "a content smaller than announced", says: "were announced") {
      try withEntry {
        $0.header(3, size: 300)
        $0.bytes += HandmadePack.zlib(base)
      }
    },
    Lie(name: "a wrong Adler-32", says: "cannot be inflated") {
      try withEntry {
        $0.header(3, size: UInt64(base.count))
        $0.bytes += HandmadePack.zlib(base).dropLast() + [0]
      }
    },
    Lie(name: "no zlib stream", says: "cannot be inflated") {
      try withEntry {
        $0.header(3, size: 20)
        $0.bytes += [UInt8](repeating: 0xFF, count: 40)
      }
    },
    Lie(name: "a zlib stream with a dictionary", says: "cannot be inflated") {
      try withEntry {
        $0.header(3, size: 20)
        $0.bytes += [0x78, 0xBB, 1, 2, 3, 4] + HandmadePack.zlib(base)
      }
    },
    Lie(name: "bytes after the zlib end", says: "its type is") {
      var pack = HandmadePack(objects: 2)
      pack.object(.blob, base)
      pack.bytes += [0x00, 0x00]
      pack.object(.blob, base)
      return try pack.sealed()
    },
    Lie(name: "a base before the pack", says: "before the pack") {
      try withEntry { $0.delta(distance: 5000, [1, 1]) }
    },
    Lie(name: "a base at distance 0", says: "before the pack") { try withEntry { $0.delta(distance: 0, [1, 1]) } },
    Lie(name: "a base between two objects", says: "no object begins at") {
      var pack = HandmadePack(objects: 2)
      let start = pack.offset
      pack.object(.blob, base)
      pack.delta(distance: pack.offset - start - 1, [1, 1])
      return try pack.sealed()
    },
    Lie(name: "a base that is the header", says: "no object begins at") {
      try withEntry { $0.delta(distance: 12, [1, 1]) }
    },
    Lie(name: "a distance without end", says: "too far back") {
      try withEntry {
        $0.header(6, size: 2)
        $0.bytes += [UInt8](repeating: 0xFF, count: 40)
      }
    },
    Lie(name: "a delta of itself", says: "neither in the pack nor at hand") {
      let name = try PackIntakeTests.name(base)
      return try withEntry {
        $0.delta(base: name, HandmadePack.instructions(base: 40, result: 40, HandmadePack.copy(0, 40)))
      }
    },
    Lie(name: "two deltas of each other", says: "neither in the pack nor at hand") {
      let names = try [PackIntakeTests.name([1]), PackIntakeTests.name([2])]
      var pack = HandmadePack(objects: 2)
      for name in names {
        pack.delta(base: name, HandmadePack.instructions(base: 1, result: 1, HandmadePack.copy(0, 1)))
      }
      return try pack.sealed()
    },
    Lie(name: "a copy past the base's end", says: "copies bytes") {
      try withDelta(result: 10, HandmadePack.copy(UInt32(base.count) - 9, 10))
    },
    Lie(name: "a copy from 4 GiB", says: "copies bytes") {
      try withDelta(result: 10, HandmadePack.copy(.max, 10))
    },
    Lie(name: "the instruction 0", says: "reserved instruction 0") { try withDelta(result: 10, [0]) },
    Lie(name: "a result smaller than announced", says: "makes 10 bytes and announced 11") {
      try withDelta(result: 11, HandmadePack.copy(0, 10))
    },
    Lie(name: "a result larger than announced", says: "more than the 9 bytes announced") {
      try withDelta(result: 9, HandmadePack.copy(0, 10))
    },
    Lie(name: "another size of the base", says: "for a base of 41 bytes") {
      try withDelta(result: 10, HandmadePack.copy(0, 10), base: 41)
    },
    Lie(name: "a delta cut in a copy", says: "middle of an instruction") { try withDelta(result: 10, [0x91, 1]) },
    Lie(name: "a delta cut in an insert", says: "middle of an instruction") { try withDelta(result: 10, [10, 65]) },
    Lie(name: "a delta that is empty", says: "middle of an instruction") { try withEntryDelta([]) },
    Lie(name: "a size in a delta without end", says: "too many digits") {
      try withEntryDelta([UInt8](repeating: 0xFF, count: 30))
    },
    Lie(name: "a result of 2^60 bytes", reason: "git-object-too-large", says: "1152921504606846976") {
      try withDelta(result: 1 << 60, HandmadePack.copy(0, 10))
    },
  ]

  private static func withEntryDelta(_ delta: [UInt8]) throws -> [UInt8] {
    var pack = HandmadePack(objects: 2)
    let start = pack.offset
    pack.object(.blob, base)
    pack.delta(distance: pack.offset - start, delta)
    return try pack.sealed()
  }

  @Test("are refused for what is wrong", arguments: lies, [1, 65_536])
  func refused(_ lie: Lie, _ piece: Int) throws {
    let failure = try #require(try Intake.refusal(of: try lie.make(), piece: piece))
    #expect(failure.reason == lie.reason)
    #expect(failure.message.contains(lie.says), "\(failure)")
  }

  @Test("are refused when cut at any byte")
  func cut() throws {
    var pack = HandmadePack(objects: 4)
    let start = pack.offset
    pack.object(.blob, Self.base)
    let delta = HandmadePack.instructions(base: UInt64(Self.base.count), result: 4, HandmadePack.copy(3, 4))
    pack.delta(distance: pack.offset - start, delta)
    pack.delta(base: try PackIntakeTests.name(Self.base), delta + [])
    pack.object(.tree, [])
    let whole = try pack.sealed()
    #expect(try Intake.refusal(of: whole) == nil)
    for end in 0..<whole.count {
      #expect(try Intake.refusal(of: Array(whole.prefix(end)))?.reason == "git-pack-corrupt", "cut at \(end)")
    }
  }

  @Test("are refused or taken, but never worse, whatever bit is wrong")
  func flipped() throws {
    var pack = HandmadePack(objects: 2)
    let start = pack.offset
    pack.object(.blob, Self.base)
    let delta = HandmadePack.instructions(base: UInt64(Self.base.count), result: 4, HandmadePack.copy(3, 4))
    pack.delta(distance: pack.offset - start, delta)
    let whole = try pack.sealed()
    for bit in 0..<(whole.count * 8) {
      var bytes = whole
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      // Version 3 is the same format, so that only the trailer knows.
      #expect(try Intake.refusal(of: bytes) != nil, "bit \(bit)")
    }
  }

  @Test("cannot blow up: zeros without end are refused by their ratio")
  func zeros() throws {
    let zeros = [UInt8](repeating: 0, count: 1 << 28)
    var pack = HandmadePack(objects: 1)
    pack.object(.blob, zeros)
    let failure = try #require(try Intake.refusal(of: try pack.sealed()))
    #expect(failure.reason == "git-inflate-ratio")
    #expect(failure.hint?.contains("inflate-ratio") == true)
  }

  @Test("cannot blow up: a delta that copies without end stops at the limit of all objects")
  func deltaBomb() throws {
    var limits = GitLimits()
    limits.unpackedSize = .mebibytes(64)
    var pack = HandmadePack(objects: 2)
    let start = pack.offset
    pack.object(.blob, [UInt8](repeating: 65, count: 1 << 20))
    let copies = Array(repeating: HandmadePack.copy(0, 1 << 20), count: 1000).flatMap(\.self)
    let delta = HandmadePack.instructions(base: 1 << 20, result: 1000 << 20, copies)
    pack.delta(distance: pack.offset - start, delta)
    let failure = try #require(try Intake.refusal(of: try pack.sealed(), limits: limits))
    #expect(failure.reason == "git-repository-too-large")
  }

  @Test("keep to the limits of objects and sizes")
  func limits() throws {
    var limits = GitLimits()
    limits.objects = 3
    limits.objectSize = ByteCount(100)
    var pack = HandmadePack(objects: 4)
    for text in ["a", "b", "c", "d"] { pack.object(.blob, Array(text.utf8)) }
    #expect(try Intake.refusal(of: try pack.sealed(), limits: limits)?.reason == "git-too-many-objects")
    limits.waitingDeltas = 2
    pack = HandmadePack(objects: 3)
    for _ in 0..<3 { pack.delta(base: try PackIntakeTests.name([1]), [1, 1, 1, 65]) }
    #expect(try Intake.refusal(of: try pack.sealed(), limits: limits)?.reason == "git-too-many-waiting-deltas")
    pack = HandmadePack(objects: 1)
    pack.object(.blob, [UInt8](repeating: 1, count: 101))
    #expect(try Intake.refusal(of: try pack.sealed(), limits: limits)?.reason == "git-object-too-large")
  }

  @Test("may have a chain of five thousand deltas, and need no stack for it")
  func longChain() throws {
    var pack = HandmadePack(objects: 5001)
    var last = pack.offset
    pack.object(.blob, Array("0000".utf8))
    for version in 1...5000 {
      let here = pack.offset
      let text = String("000\(version)".suffix(4))
      pack.delta(distance: here - last, HandmadePack.instructions(base: 4, result: 4, HandmadePack.insert(text)))
      last = here
    }
    #expect(try Intake.refusal(of: try pack.sealed()) == nil)
  }
}
