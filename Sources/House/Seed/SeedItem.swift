import Diagnostics
import Foundation
import SystemPackage

/// One thing that an empty server begins with.
struct SeedItem: Sendable, Hashable {
  enum Kind: Sendable, Hashable {
    /// The body of SaveBuildSecrets.
    case secrets
    /// An archive that `kindling image import` takes.
    case image(reference: String)
    /// A folder with a Dockerfile.
    case build(name: String)
  }

  let kind: Kind
  /// Below the seed's folder, as people are told of it.
  let name: String
  let path: FilePath

  private static let suffixes = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".zip"]

  /// What `folder` holds, in the order in which it is applied: secrets before the images and builds that need them.
  ///
  /// `secrets.json`, `images/NAME.tar` and `images/NAME/TAG.tar`, `builds/NAME/`. Throws for a folder that is none, and
  /// for what stands in it and means nothing, so that a slip is told at the start.
  static func all(in folder: FilePath) throws(Failure) -> [SeedItem] {
    var items: [SeedItem] = []
    for name in try names(in: folder) {
      let path = folder.appending(name)
      switch name {
      case "secrets.json": items.append(SeedItem(kind: .secrets, name: name, path: path))
      case "images": items += try images(in: path, below: name)
      case "builds": items += try builds(in: path, below: name)
      case "README", "README.md", "README.txt": continue
      default: throw odd(path)
      }
    }
    return items.sorted { ($0.rank, $0.name) < ($1.rank, $1.name) }
  }

  private var rank: Int {
    switch kind {
    case .secrets: 0
    case .image: 1
    case .build: 2
    }
  }

  private static func images(in folder: FilePath, below name: String, of repository: String = "") throws(Failure)
    -> [SeedItem]
  {
    var items: [SeedItem] = []
    for entry in try names(in: folder) {
      let path = folder.appending(entry)
      let place = "\(name)/\(entry)"
      if isDirectory(path) {
        items += try images(in: path, below: place, of: repository.isEmpty ? entry : "\(repository)/\(entry)")
      } else if let suffix = suffixes.filter(entry.hasSuffix).max(by: { $0.count < $1.count }) {
        let stem = String(entry.dropLast(suffix.count))
        let reference = repository.isEmpty ? "\(stem):latest" : "\(repository):\(stem)"
        items.append(SeedItem(kind: .image(reference: reference), name: place, path: path))
      } else {
        throw odd(path)
      }
    }
    return items
  }

  private static func builds(in folder: FilePath, below name: String) throws(Failure) -> [SeedItem] {
    var items: [SeedItem] = []
    for entry in try names(in: folder) {
      let path = folder.appending(entry)
      guard FileManager.default.fileExists(atPath: path.appending("Dockerfile").string) else { throw odd(path) }
      items.append(SeedItem(kind: .build(name: entry), name: "\(name)/\(entry)", path: path))
    }
    return items
  }

  private static func names(in folder: FilePath) throws(Failure) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder.string).filter { !$0.hasPrefix(".") }
    } catch {
      throw Failure(
        .invalidArgument, reason: "seed-unreadable", "the seed '\(folder)' is no folder that can be read",
        hint: "name a folder that holds images/, builds/ or secrets.json", cause: (error as NSError).localizedDescription)
    }
  }

  private static func isDirectory(_ path: FilePath) -> Bool {
    var isDirectory = ObjCBool(false)
    return FileManager.default.fileExists(atPath: path.string, isDirectory: &isDirectory) && isDirectory.boolValue
  }

  private static func odd(_ path: FilePath) -> Failure {
    Failure(
      .invalidArgument, reason: "seed-item-unknown", "'\(path)' means nothing in a seed",
      hint: "a seed holds secrets.json, images/NAME.tar, images/NAME/TAG.tar (or .tar.gz, .tgz, .tar.zst, .zip) and "
        + "builds/NAME/ with a Dockerfile")
  }
}
