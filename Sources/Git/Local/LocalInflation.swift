import Diagnostics
import SystemPackage

/// Inflates a zlib stream that lies in a file; used again for every object.
final class LocalInflation {
  private let inflater: any ObjectInflater
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)
  private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)

  init() throws(Failure) { inflater = try makeObjectInflater() }

  deinit {
    input.deallocate()
    output.deallocate()
  }

  /// Hands out what the stream at `offset` inflates to. With a `size` there must be exactly that many bytes. `name` is
  /// for messages.
  func run(
    _ file: OpenFile, at offset: Int64, size: Int64?, name: FilePath,
    _ take: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    inflater.restart()
    var position = offset
    var total: Int64 = 0
    // Most objects are small, and reading more than they have costs as much as inflating them.
    var chunk = size.map { Int(min(Int64(input.count), max(512, $0 / 2 + 64))) } ?? 4 << 10
    while true {
      try checkGitCancellation()
      let count = try file.read(at: position, into: UnsafeMutableRawBufferPointer(rebasing: input[..<chunk]))
      chunk = input.count
      guard count > 0 else { throw Self.corrupt(name, "an object is cut") }
      position += Int64(count)
      var next = 0
      while true {
        let step: (consumed: Int, produced: Int, ended: Bool)
        do throws(InflateDefect) {
          step = try inflater.inflate(UnsafeRawBufferPointer(rebasing: input[next..<count]), into: output)
        } catch { throw Self.corrupt(name, "an object cannot be inflated: \(error.text)") }
        next += step.consumed
        total += Int64(step.produced)
        guard next >= 0, size.map({ total <= $0 }) ?? true else {
          throw Self.corrupt(name, "an object is larger than it says")
        }
        if step.produced > 0 { try take(UnsafeRawBufferPointer(rebasing: output[..<step.produced])) }
        if step.ended {
          guard size.map({ total == $0 }) ?? true else { throw Self.corrupt(name, "an object is smaller than it says") }
          return
        }
        guard step.consumed != 0 || step.produced != 0 else { throw Self.corrupt(name, "an object goes nowhere") }
        if next == count, step.produced < output.count { break }
      }
    }
  }

  static func corrupt(_ name: FilePath, _ what: String) -> Failure {
    Failure(
      .dataLoss, reason: "git-object-corrupt", "file '\(name)' is damaged: \(what)",
      hint: "look at the repository with git fsck")
  }
}
