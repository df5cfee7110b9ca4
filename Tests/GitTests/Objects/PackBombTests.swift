import Diagnostics
import SystemPackage
import TestSupport
import Testing

@testable import Git

@Suite("packs that are small and make much work", .timeLimit(.minutes(1)))
struct PackBombTests {
  /// A base and `count` deltas, all the same, that each make `megabytes` MiB of it.
  private static func bomb(deltas count: Int, megabytes: Int) throws -> [UInt8] {
    var pack = HandmadePack(objects: UInt32(count) + 1)
    let start = pack.offset
    pack.object(.blob, [UInt8](repeating: 0, count: 1 << 20))
    let copies = Array(repeating: HandmadePack.copy(0, 1 << 20), count: megabytes).flatMap(\.self)
    let delta = HandmadePack.instructions(base: 1 << 20, result: UInt64(megabytes) << 20, copies)
    for _ in 0..<count { pack.delta(distance: pack.offset - start, delta) }
    return try pack.sealed()
  }

  @Test("count what comes twice against the limit of all objects")
  func duplicates() throws {
    var limits = GitLimits()
    limits.unpackedSize = .mebibytes(64)
    let failure = try Intake.refusal(of: try Self.bomb(deltas: 1000, megabytes: 8), limits: limits)
    #expect(failure?.reason == "git-repository-too-large")
  }

  @Test("are refused when their deltas make far more than they pay for", arguments: [1, 65_536])
  func ratio(piece: Int) throws {
    let pack = try Self.bomb(deltas: 1500, megabytes: 100)
    #expect(pack.count < 200_000)
    let failure = try Intake.refusal(of: pack, piece: piece)
    #expect(failure?.reason == "git-delta-ratio")
    #expect(failure?.hint?.contains("delta-ratio") == true)
  }

  @Test("are refused when their deltas read far more than they pay for, and make nothing")
  func bases() throws {
    var limits = GitLimits()
    limits.deltaRatio = 1
    var pack = HandmadePack(objects: 2 + 400)
    let first = pack.offset
    pack.object(.blob, [UInt8](repeating: 0, count: 1 << 20))
    let second = pack.offset
    pack.object(.blob, [UInt8](repeating: 1, count: 1 << 20))
    let delta = HandmadePack.instructions(base: 1 << 20, result: 1, HandmadePack.copy(0, 1))
    for number in 0..<400 { pack.delta(distance: pack.offset - (number % 2 == 0 ? first : second), delta) }
    #expect(try Intake.refusal(of: try pack.sealed(), limits: limits)?.reason == "git-delta-ratio")
  }

  @Test("may hold a history of a large file, however well it packs")
  func honest() throws {
    var pack = HandmadePack(objects: 301)
    var last = pack.offset
    pack.object(.blob, [UInt8](repeating: 0, count: 1 << 20))
    for version in 1...300 {
      let here = pack.offset
      let text = String("00000\(version)".suffix(6))
      let rest = HandmadePack.insert(text) + HandmadePack.copy(6, 1 << 20 - 6)
      pack.delta(distance: here - last, HandmadePack.instructions(base: 1 << 20, result: 1 << 20, rest))
      last = here
    }
    #expect(try Intake.refusal(of: try pack.sealed()) == nil)
  }

  /// Cancels the task that looks for a base, and has none.
  private struct Cancelling: ObjectSource {
    func find(_ id: ObjectID) throws(Failure) -> StoredObject? {
      withUnsafeCurrentTask { $0?.cancel() }
      return nil
    }
  }

  @Test("are left at once when the fetch is cancelled")
  func cancelled() async throws {
    var limits = GitLimits()
    limits.deltaRatio = .max
    limits.unpackedSize = ByteCount(.max)
    var pack = HandmadePack(objects: 1502)
    // In one piece with what follows, as a chunk from the wire is one.
    pack.delta(base: try PackIntakeTests.name([1]), HandmadePack.instructions(base: 1, result: 1, [1, 65]))
    // Hours of work, were it done.
    pack.bytes += try Self.bomb(deltas: 1500, megabytes: 2000).dropFirst(12).dropLast(20)
    let sealed = try pack.sealed()
    let refusal = try await Task.detached { [limits] in
      try Intake.refusal(of: sealed, piece: sealed.count, bases: Cancelling(), limits: limits)
    }.value
    #expect(refusal?.reason == "cancelled")
  }
}
