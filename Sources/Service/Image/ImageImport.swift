import Archive
import Builder
import Diagnostics
import OCI
import Registry
import Storage
import SystemPackage

/// What an import made.
package struct ImportedImage: Sendable, Hashable {
  /// `org/name:tag` in the local registry.
  package var reference: String
  package var digest: Digest
  package var layers: Int
  package var size: ByteCount
}

/// Takes an image from a file: a root file system, an OCI layout or a docker archive, told apart by content.
package struct ImageImportService: Sendable {
  private let data: DataDirectory
  private let registry: ImageRegistry
  private let images: LocalImages
  private let threads: BuildThreads

  package init(data: DataDirectory, registry: ImageRegistry, images: LocalImages, threads: BuildThreads) {
    self.data = data
    self.registry = registry
    self.images = images
    self.threads = threads
  }

  /// Imports `archive` (a tar, compressed or not, or a zip) as `reference`; the file stays the caller's.
  package func importImage(
    reference text: String, archive: FilePath, as caller: Identity
  ) async throws(Failure) -> ImportedImage {
    let reference = try Reference(text)
    guard reference.digest == nil else {
      throw Failure(
        .invalidArgument, reason: "reference-invalid", "'\(text)' names a digest; an import needs a tag",
        hint: "write NAME:TAG")
    }
    let repository = try images.repository(of: reference, for: caller.organization)
    return try await threads.run { () async throws(Failure) in
      try store(archive, as: repository, reference.tag ?? .latest)
    }
  }

  private func store(_ archive: FilePath, as repository: Repository, _ tag: Tag) throws(Failure) -> ImportedImage {
    let hold = data.blobs.leases.hold()
    defer { hold.release() }
    let scratch = data.path(.work).appending("import-\(BuildID.make(at: data.clock.now()))")
    defer { try? FileTree.remove(scratch) }
    let files = try ArchivedFiles(ArchiveNormalizer.tar(from: archive, into: scratch))
    let image: ImportableImage
    if files.contains("oci-layout"), files.contains("index.json") {
      let layout = OCILayout(files: files)
      let found = try layout.image(tag, for: .host)
      // Also blobs that are here already: only an archive that holds the bytes may bring them into the repository.
      for layer in found.manifest.layers { try layout.store(layer.digest, in: data.blobs) }
      image = ImportableImage(config: found.config, layers: found.manifest.layers)
    } else if files.contains("manifest.json") {
      image = try DockerArchiveImport(files: files, blobs: data.blobs).image()
    } else {
      image = try RootFileSystemImport(files: files, blobs: data.blobs, clock: data.clock).image()
    }
    let committed = try registry.commitImage(
      config: image.config, layers: image.layers, mediaType: .ociManifest, repository: repository,
      tags: [tag])
    return ImportedImage(
      reference: "\(repository):\(tag)", digest: committed.digest, layers: image.layers.count,
      size: ByteCount(image.layers.reduce(0) { $0 + $1.size }))
  }
}

/// An image read from a file, its layers already blobs.
struct ImportableImage {
  var config: [UInt8]
  var layers: [Descriptor]
}

/// The files of an indexed archive by their paths.
struct ArchivedFiles: ImageFiles {
  private let index: ArchiveIndex
  private let byPath: [FilePath: IndexedEntry]
  /// As they stand in the archive, the last of each path.
  var entries: [IndexedEntry] { index.entries }

  init(_ index: ArchiveIndex) {
    self.index = index
    byPath = Dictionary(index.entries.map { ($0.entry.path, $0) }) { $1 }
  }

  func contains(_ path: FilePath) -> Bool { byPath[path] != nil }

  /// A file's bytes as a stream; follows the links inside the archive that `docker save` writes.
  func reader(_ path: FilePath) throws(Failure) -> any ByteReader {
    var path = path
    for _ in 0..<16 {
      switch byPath[path]?.entry.kind {
      case .file?:
        guard let found = byPath[path] else { break }
        return try reader(of: found)
      case .symlink(let target)?:
        path = path.removingLastComponent().pushing(FilePath(target.string)).lexicallyNormalized()
        continue
      case .hardLink(let target)?:
        path = target
        continue
      default: break
      }
      break
    }
    throw Failure(
      .invalidArgument, reason: "image-archive-broken", "the image archive names '\(path)', which it does not hold")
  }

  func reader(of entry: IndexedEntry) throws(Failure) -> any ByteReader {
    try index.body(of: entry)
  }
}
