import Archive
import Diagnostics
import Glibc
import OCI
import SystemPackage

extension FuzzInput {
  /// What somebody uploads as a context: tar, zip, or a tar packed with gzip, bzip2, xz or zstd.
  static func archive(_ bytes: [UInt8], _ scratch: FilePath) throws(Failure) {
    let source = scratch.appending("archive")
    let target = scratch.appending("normal")
    defer {
      for path in [source, target] { _ = path.withPlatformString { unlink($0) } }
    }
    guard write(tar(repairing: bytes), to: source) else { return }
    let limits = TarLimits(entries: 100, totalSize: .mebibytes(1))
    let index = try ArchiveNormalizer.tar(from: source, into: target, limits: limits)
    // Directories that are only implied count too, one for each component at most.
    if index.entries.count > 100_000 { abort() }
  }

  /// Repairs the checksums of ustar headers, which no mutation would ever find.
  private static func tar(repairing bytes: [UInt8]) -> [UInt8] {
    var tar = bytes
    guard tar.count >= 512, Array(tar[257..<262]) == Array("ustar".utf8) else { return tar }
    for start in stride(from: 0, to: tar.count - 511, by: 512) where tar[start + 257] == UInt8(ascii: "u") {
      for offset in 148..<156 { tar[start + offset] = 0x20 }
      let sum = tar[start..<start + 512].reduce(0) { $0 + Int($1) }
      let digits = Array(String(sum, radix: 8).utf8)
      tar.replaceSubrange(start + 148..<start + 148 + digits.count, with: digits)
    }
    return tar
  }

  private static func write(_ bytes: [UInt8], to path: FilePath) -> Bool {
    guard
      let file = try? FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
    else { return false }
    defer { try? file.close() }
    return (try? file.writeAll(bytes)) != nil
  }
}
