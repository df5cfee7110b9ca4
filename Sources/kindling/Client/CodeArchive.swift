import Diagnostics
import Foundation
import SystemPackage
import Terminal

/// What `--code` names, as the archive that SaveDraft takes.
struct CodeArchive: Sendable {
  private static let endings = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".zip"]

  let path: FilePath
  /// The app it is for, for what to do instead.
  let app: String

  /// Packs a directory, or reads an archive. Throws `code-…`, `context-…` and `dockerfile-…`.
  func bytes(dockerfile: String?) async throws(Failure) -> Data {
    var isDirectory = ObjCBool(false)
    guard FileManager.default.fileExists(atPath: path.string, isDirectory: &isDirectory) else {
      throw Failure(
        .invalidArgument, reason: "code-missing", "there is no '\(path)'",
        hint: "name the directory that holds the app, or an archive of it")
    }
    guard isDirectory.boolValue else { return try archive() }
    if let dockerfile { try ContextArchive.check(path, dockerfile: dockerfile, option: "--dockerfile-path") }
    let packed = try await ContextArchive.make(of: path)
    defer { packed.remove() }
    if let note = packed.note { Console.standardError.write(note + "\n") }
    guard packed.size < ContextArchive.inlineLimit else { throw tooLarge(packed.size) }
    return try packed.bytes()
  }

  private func archive() throws(Failure) -> Data {
    guard Self.endings.contains(where: { path.string.lowercased().hasSuffix($0) }) else {
      throw Failure(
        .unimplemented, reason: "code-not-an-image",
        "'\(path)' is one file, and code that the platform compiles itself is not emulated",
        hint: "name the directory with its Dockerfile, or an archive of it (\(Self.endings.joined(separator: ", ")))")
    }
    let data: Data
    do { data = try Data(contentsOf: URL(fileURLWithPath: path.string)) } catch {
      throw Failure(
        .invalidArgument, reason: "code-unreadable", "'\(path)' cannot be read",
        hint: "name a file that you may read")
    }
    let size = ByteCount(Int64(data.count))
    guard size < ContextArchive.inlineLimit else { throw tooLarge(size) }
    return data
  }

  /// UploadBuildContext has no place in SaveDraft: larger sources go through a build of their own.
  private func tooLarge(_ size: ByteCount) -> Failure {
    Failure(
      .invalidArgument, reason: "code-too-large",
      "'\(path)' has \(size) packed, and an app's code must be below \(ContextArchive.inlineLimit)",
      hint: "build it first and deploy the reference that is printed: kindling app deploy \(app) "
        + "--image-ref \"$(kindling build \(path.string.contains("/") ? path.string : "./\(path)") --name \(app))\"")
  }
}
