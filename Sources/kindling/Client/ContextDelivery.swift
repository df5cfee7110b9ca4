import API
import Diagnostics
import Foundation
import RPC
import SystemPackage
import Terminal

/// Brings a packed context to the server: inline when it is small, else as an upload, without being asked.
enum ContextDelivery {
  /// Fills the source of `request` with `directory`.
  static func deliver(
    _ directory: FilePath,
    as request: inout Dodil_Ignite_V1_CreateBuildRequest,
    _ access: ServerAccess,
    quiet: Bool
  ) async throws(Failure) {
    try ContextArchive.check(directory, dockerfile: request.dockerfile)
    let archive = try await ContextArchive.make(of: directory)
    defer { archive.remove() }
    if !quiet, let note = archive.note { Console.standardError.write(note + "\n") }
    if archive.size < ContextArchive.inlineLimit {
      request.zippedCode = try archive.bytes()
    } else {
      request.contextID = try await upload(archive, name: request.name, access, quiet: quiet).contextID
    }
  }

  /// Uploads the archive for later builds.
  static func upload(
    _ archive: ContextArchive,
    name: String,
    _ access: ServerAccess,
    quiet: Bool
  ) async throws(Failure) -> Dodil_Ignite_V1_UploadBuildContextResponse {
    if !quiet { Console.standardError.write("uploading \(archive.size)\n") }
    var metadata = Dodil_Ignite_V1_UploadBuildContextMetadata()
    metadata.contentType = "application/gzip"
    metadata.name = name
    metadata.expectedSizeBytes = UInt64(archive.size.bytes)
    let message = metadata
    let path = archive.path
    return try await access.stream { client in
      let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
      defer { try? file.close() }
      return try await client.uploadContext(message, from: file)
    }
  }
}
