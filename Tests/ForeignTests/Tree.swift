import Foundation
import TestSupport

/// Build contexts, packed by other people's tools.
struct Tree {
  enum Form: String, CaseIterable, Sendable { case tar, gzip, zip }

  /// A Dockerfile that needs no base and no process.
  static let scratch = "FROM scratch\nCOPY . /app/\n"

  let folder: TemporaryFolder
  let name: String

  /// A folder of `files` below `folder`.
  init(_ files: [String: String], in folder: TemporaryFolder, name: String = "tree-\(UUID().uuidString)") throws {
    self.folder = folder
    self.name = name
    for (file, text) in files { try folder.write(text, to: "\(name)/\(file)") }
  }

  var path: String { folder.path(name) }

  /// Packs the folder and answers with the archive's path.
  func packed(_ form: Form = .gzip) async throws -> String {
    let archive = path + "." + form.rawValue
    let result =
      switch form {
      case .tar: try await Tool("tar").run(["-cf", archive, "-C", path, "."])
      case .gzip: try await Tool("tar").run(["-czf", archive, "-C", path, "."])
      // Debian has no zip without Perl; Python's library writes the same format.
      case .zip:
        try await Tool("python3").run([
          "-c", "import shutil,sys; shutil.make_archive(sys.argv[1],'zip',sys.argv[2])", path, path,
        ])
      }
    guard result.status == 0 else { throw Unpacked(words: result.all) }
    return archive
  }

  struct Unpacked: Error, CustomStringConvertible {
    var words: String
    var description: String { "packing failed: \(words)" }
  }

  /// The archive as the contract's JSON carries it.
  func inline(_ form: Form = .gzip) async throws -> JSON {
    .string(try Data(contentsOf: URL(filePath: try await packed(form))).base64EncodedString())
  }

  /// The archive of one Dockerfile alone.
  static func inline(dockerfile: String, in folder: TemporaryFolder) async throws -> JSON {
    try await Tree(["Dockerfile": dockerfile], in: folder).inline()
  }
}
