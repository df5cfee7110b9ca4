import Diagnostics
import HTTPTypes
import HummingbirdCore
import NIOCore
import Service
import Storage
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// `POST /_kindling/images/import?ref=REFERENCE`: an archive of an image as the body, of any size.
struct ImageImportDoor: Sendable {
  let imports: ImageImportService
  /// Where the body waits while it is read; emptied at every start.
  let work: FilePath

  func respond(to call: Call, as caller: Identity) async throws(Failure) -> Response {
    guard let reference = call.query["ref"], !reference.isEmpty else {
      throw Failure(
        .invalidArgument,
        reason: "reference-missing",
        "the import has no reference",
        hint: "name the image: POST /_kindling/images/import?ref=NAME:TAG"
      )
    }
    let path = work.appending("body-\(call.context.requestID)")
    let file = try TemporaryFile(path)
    defer { file.remove() }
    try await BodyReader.pour(call.request) { (pieces, _) throws(Failure) in try file.write(pieces) }
    let image = try await imports.importImage(reference: reference, archive: path, as: caller)
    return .json(Imported(image))
  }

  private struct Imported: Encodable {
    var reference: String
    var digest: String
    var layers: Int
    /// Bytes.
    var size: Int64

    init(_ image: ImportedImage) {
      reference = "\(image.reference)"
      digest = "\(image.digest)"
      layers = image.layers
      size = image.size.bytes
    }
  }
}

/// A file that lives as long as one request.
private struct TemporaryFile: Sendable {
  private let path: FilePath
  private let descriptor: SystemPackage.FileDescriptor

  init(_ path: FilePath) throws(Failure) {
    self.path = path
    do {
      descriptor = try SystemPackage.FileDescriptor.open(
        path,
        .readWrite,
        options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: .ownerReadWrite
      )
    } catch {
      throw Self.failure("creating", error)
    }
  }

  func write(_ pieces: [ByteBuffer]) throws(Failure) {
    do {
      for piece in pieces { _ = try piece.withUnsafeReadableBytes { try descriptor.writeAll($0) } }
    } catch {
      throw Self.failure("writing", error)
    }
  }

  func remove() {
    try? descriptor.close()
    // The file may be gone already: whoever imported it may have moved it.
    path.withPlatformString { _ = unlink($0) }
  }

  private static func failure(_ doing: String, _ error: any Error) -> Failure {
    Failure(
      (error as? Errno) == .noSpace ? .resourceExhausted : .internal,
      reason: "import-not-kept",
      "\(doing) the uploaded image failed",
      hint: "look for space in the data directory's file system",
      cause: String(describing: error)
    )
  }
}
