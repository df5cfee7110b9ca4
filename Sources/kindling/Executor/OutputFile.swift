import Archive
import Diagnostics
import Foundation
import SystemPackage

/// The files the executor leaves for its caller; the folders above them are made.
enum OutputFile {
  static func writer(_ path: FilePath) throws(Failure) -> FileWriter {
    let folder = path.removingLastComponent()
    if !folder.isEmpty { try makeFolder(folder) }
    return try FileWriter(creating: path)
  }

  static func makeFolder(_ folder: FilePath) throws(Failure) {
    do {
      try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
    } catch {
      throw Failure(
        .failedPrecondition, reason: "output-folder", "folder '\(folder)' cannot be made",
        cause: error.localizedDescription)
    }
  }

  static func write(_ bytes: [UInt8], to path: FilePath) throws(Failure) {
    let writer = try writer(path)
    try writer.write(bytes)
    try writer.finish()
  }

  static func rename(_ path: FilePath, to target: FilePath) throws(Failure) {
    guard path.withPlatformString({ from in target.withPlatformString { Foundation.rename(from, $0) } }) == 0 else {
      throw Failure(
        .internal, reason: "file-io", "file '\(target)' cannot be written", cause: Errno(rawValue: errno).description)
    }
  }

  static func remove(_ path: FilePath) { path.withPlatformString { _ = unlink($0) } }
}
