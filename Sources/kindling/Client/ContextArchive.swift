import Archive
import Diagnostics
import Foundation
import OCI
import SystemPackage
import Terminal

/// A directory as the tar.gz a build takes, in a temporary file that goes away with `remove()`.
struct ContextArchive: Sendable {
  /// Directories that are left out wherever they stand (contract §4.2). `target` may be something a Dockerfile
  /// copies, which is why whatever was left out is told.
  static let excluded: Set<String> = [".git", "node_modules", "__pycache__", "target", ".venv"]

  /// Archives below this go inline with the request.
  static let inlineLimit = ByteCount.mebibytes(4)

  let path: FilePath
  let size: ByteCount
  /// Of the whole archive: equal directories make equal ones.
  let digest: Digest
  /// Paths that are not in it, relative to the directory.
  let leftOut: [String]

  /// Packs `directory` into a file in `folder`; throws when it isn't one or cannot be read.
  static func make(
    of directory: FilePath, in folder: FilePath = FilePath(NSTemporaryDirectory())
  ) async throws(Failure) -> ContextArchive {
    do {
      return try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async {
          continuation.resume(with: Result { try pack(directory, in: folder) })
        }
      }
    } catch {
      throw Failure(wrapping: error, while: "packing '\(directory)'")
    }
  }

  private static func pack(_ directory: FilePath, in folder: FilePath) throws(Failure) -> ContextArchive {
    let path = folder.appending("kindling-context-\(UUID().uuidString).tar.gz")
    do throws(Failure) {
      let file = CountingFile(try FileWriter(creating: path, permissions: 0o600))
      let tar = TarWriter(into: GzipWriter(into: file, level: 1))
      let summary = try DirectoryPacker(directory: directory).pack(into: tar, skip: leavesOut)
      try tar.finish()
      return ContextArchive(
        path: path, size: ByteCount(file.count), digest: file.digest, leftOut: summary.leftOut.map(\.path.string))
    } catch {
      path.withPlatformString { _ = unlink($0) }
      throw error
    }
  }

  /// Whether a path is one of those that are never sent.
  static func leavesOut(_ path: FilePath, isDirectory: Bool) -> Bool {
    isDirectory && path.lastComponent.map { excluded.contains($0.string) } ?? false
  }

  func remove() { path.withPlatformString { _ = unlink($0) } }

  /// `left out: .git, web/node_modules`; nil when nothing was.
  var note: String? { Self.note(leftOut) }

  static func note(_ leftOut: [String]) -> String? {
    guard !leftOut.isEmpty else { return nil }
    let shown = leftOut.prefix(6).joined(separator: ", ")
    return "left out: \(shown)\(leftOut.count > 6 ? " and \(leftOut.count - 6) more" : "")"
  }

  /// The whole archive; only for one below `inlineLimit`.
  func bytes() throws(Failure) -> Data {
    do { return try Data(contentsOf: URL(fileURLWithPath: path.string)) } catch {
      throw Failure(wrapping: error, while: "reading the packed context")
    }
  }

  /// Checks that `directory` is one and holds the Dockerfile, so that a slip is told before anything is packed.
  /// `option` is the one that names the Dockerfile.
  static func check(
    _ directory: FilePath, dockerfile: String, option: String = "--dockerfile"
  ) throws(Failure) {
    var isDirectory = ObjCBool(false)
    guard FileManager.default.fileExists(atPath: directory.string, isDirectory: &isDirectory) else {
      throw Failure(
        .invalidArgument,
        reason: "context-missing",
        "there is no directory '\(directory)'",
        hint: "name the directory that holds the Dockerfile"
      )
    }
    guard isDirectory.boolValue else {
      throw Failure(
        .invalidArgument,
        reason: "context-not-a-directory",
        "'\(directory)' is not a directory",
        hint: "name the directory that holds the Dockerfile"
      )
    }
    let file = directory.appending(dockerfile).lexicallyNormalized()
    guard !FilePath(dockerfile).isAbsolute,
      file.starts(with: directory.lexicallyNormalized()) || directory.string == "."
    else {
      throw Failure(
        .invalidArgument,
        reason: "dockerfile-outside-context",
        "dockerfile '\(dockerfile)' is outside the context",
        hint: "give its path relative to '\(directory)'"
      )
    }
    guard FileManager.default.fileExists(atPath: file.string) else {
      throw Failure(
        .invalidArgument,
        reason: "dockerfile-missing",
        "there is no '\(dockerfile)' in '\(directory)'",
        hint: "name it with \(option), or write one"
      )
    }
  }
}

/// Counts and hashes what goes into a file.
private final class CountingFile: ByteWriter {
  private let file: FileWriter
  private let running = RunningDigest(.sha256)
  private(set) var count: Int64 = 0
  var digest: Digest { running.digest() }
  init(_ file: FileWriter) { self.file = file }
  func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    try file.write(bytes)
    running.update(bytes)
    count += Int64(bytes.count)
  }
  func finish() throws(Failure) { try file.finish() }
}
