import Archive
import Diagnostics
import Foundation
import SystemPackage
import Testing

@Suite struct DamageTests {
  /// Makes an archive of a few entries that use what the formats have to offer.
  private static let tar: [UInt8] = {
    let entries = [
      RawTar.extended(["comment=x"], kind: "g"), RawTar("d/", kind: "5").entry,
      RawTar.extended(["path=d/name", "size=700", "mtime=1.5", "SCHILY.xattr.user.a=b"]),
      RawTar("short", size: 700, body: Sample.text(700)).entry, RawTar("l", kind: "2", link: "d").entry,
      RawTar("h", kind: "1", link: "d/name").entry,
      RawTar("long", kind: "L", size: 5, body: Array("d/x\0".utf8) + [0]).entry,
    ]
    return entries.flatMap { $0 } + RawTar("y", size: 3, body: [1, 2, 3]).archive
  }()

  /// Sets a few bytes anywhere, numbers at the borders of their types among them, or cuts.
  private func damage(_ bytes: [UInt8], _ random: inout SplitMix) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let position = Int.random(in: 0..<bytes.count, using: &random)
      let values: [UInt8] = [0, 1, 0x2D, 0x30, 0x37, 0x39, 0x7F, 0x80, 0xFE, 0xFF]
      let value = values.randomElement(using: &random) ?? 0
      for offset in position..<min(bytes.count, position + Int.random(in: 1...12, using: &random)) {
        bytes[offset] = value
      }
    }
    if Int.random(in: 0..<8, using: &random) == 0 {
      bytes = Array(bytes.prefix(Int.random(in: 1..<bytes.count, using: &random)))
    }
    return bytes
  }

  /// Repairs all checksums, so that damage gets past them.
  private func repaired(_ tar: [UInt8]) -> [UInt8] {
    var tar = tar
    for start in stride(from: 0, to: tar.count - 511, by: 512) where tar[start + 257] == UInt8(ascii: "u") {
      for offset in 148..<156 { tar[start + offset] = 0x20 }
      let sum = tar[start..<start + 512].reduce(0) { $0 + Int($1) }
      let digits = String(sum, radix: 8)
      tar.replaceSubrange(start + 148..<start + 148 + digits.utf8.count, with: Array(digits.utf8))
    }
    return tar
  }

  /// The rounds of one run; more by hand through the environment.
  private static let rounds = ProcessInfo.processInfo.environment["DAMAGE_ROUNDS"].flatMap { Int($0) } ?? 150

  @Test(
    "a damaged archive is read or refused, never a crash",
    arguments: ["tar", "tar.gz", "tar.zst", "tar.xz", "tar.bz2", "zip"]
  )
  func survives(_ kind: String) throws {
    try Sample.withDirectory { directory in
      let archive: [UInt8]
      switch kind {
      case "tar.gz": archive = try Sample.run(["gzip", "-c"], input: Self.tar)
      case "tar.zst": archive = try Sample.run(["zstd", "-c"], input: Self.tar)
      case "tar.xz": archive = try Sample.run(["xz", "-c"], input: Self.tar)
      case "tar.bz2": archive = try Sample.run(["bzip2", "-c"], input: Self.tar)
      case "zip":
        let script = "mkdir d && printf 1234567 > d/x && seq 1000 > d/y && ln -s x d/l && zip -qry a.zip d && cat a.zip"
        archive = try Sample.run(["sh", "-ec", script], in: directory)
      default: archive = Self.tar
      }
      var random = SplitMix(state: 42)
      let path = directory.appending("archive")
      for _ in 0..<Self.rounds {
        let damaged = damage(archive, &random)
        try Sample.write(kind == "tar" ? repaired(damaged) : damaged, to: path)
        let limits = TarLimits(entries: 100, totalSize: .mebibytes(4))
        do {
          let index = try ArchiveNormalizer.tar(from: path, into: directory.appending("normal"), limits: limits)
          #expect(index.entries.count <= 200)
        } catch let failure as Failure {
          #expect(failure.reason.hasPrefix("archive-"), "\(failure)")
        }
      }
    }
  }
}
