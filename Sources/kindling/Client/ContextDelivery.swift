import API
import Archive
import Diagnostics
import Foundation
import OCI
import RPC
import SystemPackage
import Terminal

/// Brings a directory to the server as a build's context: inline when it is small, else as an upload, without being
/// asked, and by its name alone when the server has it already.
///
/// To a server of this machine it goes uncompressed and without a copy on disk: there packing costs more than it saves.
struct ContextDelivery: Sendable {
  let directory: FilePath
  let access: ServerAccess
  let quiet: Bool
  /// By which an unchanged directory is recognised without reading it.
  var sent: SentContexts?
  /// Whether that is asked, or only told.
  var mayReuse = true

  /// Fills the source of `request`; with `anew` nothing is taken for known.
  func deliver(as request: inout Dodil_Ignite_V1_CreateBuildRequest, anew: Bool = false) async throws(Failure) {
    try ContextArchive.check(directory, dockerfile: request.dockerfile)
    let survey = try await survey()
    if !anew, let note = ContextArchive.note(survey.leftOut.map(\.path.string)) { say(note) }
    if access.endpoint.isThisMachine, survey.tarSize < ContextArchive.inlineLimit,
      let bytes = try await packed()
    {
      request.zippedCode = bytes
      return
    }
    if !anew, mayReuse, let known = sent?.contextID(of: directory, at: access.endpoint, survey.fingerprint) {
      request.contextID = known
      return
    }
    if access.endpoint.isThisMachine {
      request.contextID = try await stream(as: request.name, survey).contextID
    } else {
      let archive = try await ContextArchive.make(of: directory)
      defer { archive.remove() }
      if archive.size < ContextArchive.inlineLimit {
        request.zippedCode = try archive.bytes()
        return
      }
      request.contextID = try await send(archive, as: request.name, anew: anew).contextID
    }
    if survey.isSettled { sent?.remember(request.contextID, of: directory, at: access.endpoint, survey.fingerprint) }
  }

  /// Uploads the directory for later builds; what the server has of equal content is not sent.
  func upload(as name: String) async throws(Failure) -> Dodil_Ignite_V1_UploadBuildContextResponse {
    let survey = try await survey()
    if let note = ContextArchive.note(survey.leftOut.map(\.path.string)) { say(note) }
    let answer: Dodil_Ignite_V1_UploadBuildContextResponse
    if access.endpoint.isThisMachine {
      answer = try await stream(as: name, survey)
    } else {
      let archive = try await ContextArchive.make(of: directory)
      defer { archive.remove() }
      answer = try await send(archive, as: name)
    }
    if survey.isSettled { sent?.remember(answer.contextID, of: directory, at: access.endpoint, survey.fingerprint) }
    return answer
  }

  private func say(_ text: String) {
    if !quiet { Console.standardError.write(text + "\n") }
  }

  private func survey() async throws(Failure) -> DirectorySurvey {
    try await blocking { () throws(Failure) in try DirectorySurvey(of: directory, skip: ContextArchive.leavesOut) }
  }

  /// The directory as a tar in memory; nil when it grew beyond what goes inline.
  private func packed() async throws(Failure) -> Data? {
    let bytes = try await blocking { () throws(Failure) in
      let memory = BytesWriter()
      let tar = TarWriter(into: memory)
      _ = try DirectoryPacker(directory: directory).pack(into: tar, skip: ContextArchive.leavesOut)
      try tar.finish()
      return memory.bytes
    }
    return bytes.count < ContextArchive.inlineLimit.bytes ? Data(bytes) : nil
  }

  /// Off the threads of Swift's own pool, which may not block.
  private func blocking<Value: Sendable>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        do throws(Failure) { continuation.resume(returning: .success(try work())) } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    }
    return try result.get()
  }

  private func stream(
    as name: String, _ survey: DirectorySurvey
  ) async throws(Failure) -> Dodil_Ignite_V1_UploadBuildContextResponse {
    say("uploading \(survey.tarSize)")
    let message = Self.metadata(name, type: "application/x-tar")
    let directory = directory
    return try await access.stream { client in
      let tar = try DirectoryStream(of: directory)
      return try await client.uploadContext(message, read: tar.read)
    }
  }

  private func send(
    _ archive: ContextArchive, as name: String, anew: Bool = false
  ) async throws(Failure) -> Dodil_Ignite_V1_UploadBuildContextResponse {
    if !anew, mayReuse, let known = try await KnownContext(access: access).named(name, of: archive.digest) {
      say("the server has this context already")
      return known
    }
    say("uploading \(archive.size)")
    var metadata = Self.metadata(name, type: "application/gzip")
    metadata.expectedSizeBytes = UInt64(archive.size.bytes)
    let message = metadata
    let path = archive.path
    return try await access.stream { client in
      let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
      defer { try? file.close() }
      return try await client.uploadContext(message, from: file)
    }
  }

  private static func metadata(_ name: String, type: String) -> Dodil_Ignite_V1_UploadBuildContextMetadata {
    var metadata = Dodil_Ignite_V1_UploadBuildContextMetadata()
    metadata.contentType = type
    metadata.name = name
    return metadata
  }
}
