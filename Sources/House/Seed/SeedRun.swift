import Archive
import Diagnostics
import Foundation
import Gateway
import Service
import Storage
import SystemPackage

/// Applies the seed as the default organisation, each item once in a data directory's life: what has succeeded stands in
/// `seed.json`, which a reset takes away.
struct SeedRun: Sendable {
  private let board: SeedBoard
  private let rooms: Rooms
  private let threads: BuildThreads
  private let owner: Identity

  init(_ ground: Rooms.Ground, _ rooms: Rooms) {
    board = ground.seed
    self.rooms = rooms
    threads = ground.threads
    owner = Identity(organization: ground.identities.defaultOrganization, subject: "seed")
  }

  /// One after the other, so that a build finds the images before it; what fails keeps the rest from nothing.
  func apply() async -> [SeedResult] {
    var done = alreadyDone
    var results: [SeedResult] = []
    for item in board.items {
      let result: SeedResult
      if done.contains(item.name) {
        result = SeedResult(name: item.name, ok: true, detail: "applied earlier")
      } else {
        result = await self.result(of: item)
        if result.ok { done.insert(item.name) }
        save(done)
      }
      board.set(result)
      results.append(result)
    }
    return results
  }

  private func result(of item: SeedItem) async -> SeedResult {
    do throws(Failure) {
      return SeedResult(name: item.name, ok: true, detail: try await apply(item))
    } catch {
      return SeedResult(name: item.name, ok: false, detail: "'\(item.path)': \(error.oneLine)")
    }
  }

  private func apply(_ item: SeedItem) async throws(Failure) -> String {
    switch item.kind {
    case .secrets:
      try await rooms.builds.saveSecrets(try secrets(in: item.path), as: owner)
      return "saved"
    case .image(let reference):
      let image = try await rooms.imports.importImage(reference: reference, archive: item.path, as: owner)
      return "\(image.reference)@\(image.digest)"
    case .build(let name): return try await build(name, of: item.path)
    }
  }

  private struct Secrets: Decodable {
    var registryCredentials: [String: String]?
    var gitCredentials: BuildSecrets.GitCredentials?
    var buildSecrets: [String: String]?
  }

  private func secrets(in path: FilePath) throws(Failure) -> BuildSecrets {
    // What a decoder says of bytes it cannot read may quote them.
    let bytes = try path.readContents(limit: .mebibytes(1))
    guard let saved = try? JSONDecoder().decode(Secrets.self, from: Data(bytes)) else {
      throw Failure(
        .invalidArgument, reason: "seed-secrets-invalid", "the file is no body of SaveBuildSecrets",
        hint: #"write {"registryCredentials": {…}, "gitCredentials": {"username": …, "password": …}, "buildSecrets": {…}}"#)
    }
    return BuildSecrets(
      registryCredentials: saved.registryCredentials ?? [:], gitCredentials: saved.gitCredentials,
      buildSecrets: saved.buildSecrets ?? [:])
  }

  /// Sends the folder as a client would, and waits for the build to end.
  private func build(_ name: String, of folder: FilePath) async throws(Failure) -> String {
    let upload = try await rooms.builds.beginUpload(
      name: "seed-\(name)", contentType: "application/x-tar", expectedSize: nil, as: owner)
    let receipt = try await threads.run { () async throws(Failure) in
      do throws(Failure) {
        let tar = TarWriter(into: UploadWriter(upload: upload))
        _ = try DirectoryPacker(directory: folder).pack(into: tar)
        try tar.finish()
        return try await upload.finish()
      } catch {
        upload.cancel()
        throw error
      }
    }
    var request = BuildRequest()
    request.name = name
    request.source = .context(receipt.id.text)
    let id = try await rooms.builds.createBuild(request, as: owner).id
    for try await _ in try await rooms.builds.events(of: id.text, from: .beginning, as: owner) {}
    let record = try await rooms.builds.build(id.text, as: owner)
    guard record.status == .succeeded, let reference = record.imageReferences.first else {
      throw record.failure
        ?? Failure(.aborted, reason: "seed-build-failed", "build \(id) is \(record.status.rawValue)")
    }
    return reference
  }

  private final class UploadWriter: ByteWriter {
    private let upload: ContextUpload
    init(upload: ContextUpload) { self.upload = upload }
    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) { try upload.append(bytes) }
    func finish() throws(Failure) {}
  }

  // MARK: - What was done

  private var record: FilePath { rooms.data.root.appending("seed.json") }

  private var alreadyDone: Set<String> {
    guard let bytes = try? record.readContents(limit: .mebibytes(1)) else { return [] }
    return Set((try? JSONDecoder().decode([String].self, from: Data(bytes))) ?? [])
  }

  /// Where it cannot be written the items are applied again, which does no harm.
  private func save(_ done: Set<String>) {
    guard let bytes = try? JSONEncoder().encode(done.sorted()) else { return }
    try? record.replaceContents(with: bytes, durability: rooms.data.durability)
  }
}
