import Diagnostics
import Foundation
import SystemPackage
import TestSupport

@testable import Git

/// Packs into object files, as a fetch does it.
enum Intake {
  /// Feeds `pack` in pieces of `piece` bytes and opens what came out.
  static func take(
    _ pack: [UInt8], format: ObjectID.Format = .sha1, piece: Int = 65_536, bases: any ObjectSource = NoObjects(),
    limits: GitLimits = GitLimits(), to path: FilePath
  ) throws -> ObjectFile {
    let writer = try ObjectFileWriter(path: path, format: format, limits: limits)
    let intake = try PackIntake(writer: writer, limits: limits)
    try feed(pack, piece: piece, to: intake, bases: bases)
    try intake.endPack()
    try writer.finish()
    return try ObjectFile(path: path)
  }

  static func feed(_ pack: [UInt8], piece: Int, to intake: PackIntake, bases: any ObjectSource = NoObjects()) throws {
    var position = 0
    while position < pack.count {
      let end = min(position + piece, pack.count)
      try pack.withUnsafeBytes { bytes in
        try intake.writePack(UnsafeRawBufferPointer(rebasing: bytes[position..<end]), bases: bases)
      }
      position = end
    }
  }

  /// Why a pack is refused; nil when it is taken.
  static func refusal(
    of pack: [UInt8], piece: Int = 65_536, bases: any ObjectSource = NoObjects(), limits: GitLimits = GitLimits()
  ) throws -> Failure? {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    do {
      _ = try take(pack, piece: piece, bases: bases, limits: limits, to: FilePath(folder.path("objects")))
      return nil
    } catch let failure as Failure {
      return failure
    }
  }

  /// Name, kind and size of every object, as `git cat-file --batch-check` prints them.
  static func list(_ file: ObjectFile) -> [String] {
    (0..<file.count).compactMap { file.object(at: $0) }.map { "\($0.id) \($0.object.kind.name) \($0.object.size)" }
  }
}
