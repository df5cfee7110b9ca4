import Archive
import Diagnostics
import OCI
import SystemPackage

/// The files that an image is read from: those of an archive, or of a folder.
protocol ImageFiles {
  /// A file's bytes as a stream; throws for one that is not there.
  func reader(_ path: FilePath) throws(Failure) -> any ByteReader
}

extension ImageFiles {
  func json<Value: Decodable>(_ type: Value.Type, _ path: FilePath) throws(Failure) -> Value {
    let bytes = try reader(path).contents(limit: .mebibytes(16))
    do { return try CanonicalJSON.decode(type, from: bytes) } catch {
      throw Failure(
        .invalidArgument, reason: "image-archive-broken", "'\(path)' in the image archive cannot be read",
        cause: String(describing: error))
    }
  }
}

/// The files of a folder of this machine; links in it never lead out of it.
struct ImageFolder: ImageFiles {
  private let root: RootDirectory

  init(_ path: FilePath) throws(Failure) { root = try RootDirectory(path) }

  func reader(_ path: FilePath) throws(Failure) -> any ByteReader { FileReader(try root.open(path), closing: true) }
}
