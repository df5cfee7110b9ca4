import Diagnostics
import SystemPackage

/// A piece of the store in the making: an object file under a temporary name. One owner fills it.
///
/// Discarded with its last reference unless it was finished.
final class PieceWriter {
  static let record = "record"
  private static let objects = "objects"

  let folder: FilePath
  private let writer: ObjectFileWriter
  private let space: PieceSpace
  /// Where remotes pour objects; several fetches may follow each other.
  let sink: PackIntake
  private var isFinished = false

  init(
    _ folder: FilePath, format: ObjectID.Format, limits: GitLimits, space: PieceSpace
  ) throws(Failure) {
    self.folder = folder
    self.space = space
    try StoreFolder.make(folder)
    writer = try ObjectFileWriter(path: folder.appending(Self.objects), format: format, limits: limits, space: space)
    sink = try PackIntake(writer: writer, limits: limits)
  }

  deinit {
    // What stays behind is swept when the store opens.
    if !isFinished { try? StoreFolder.remove(folder) }
  }

  /// Different objects so far.
  var count: Int { writer.count }

  /// The objects so far, readable from the file until more are poured in.
  func objects() throws(Failure) -> WrittenObjects {
    try writer.flush()
    return WrittenObjects(writer: writer)
  }

  /// Ends the object file, writes the record and renames the folder to `place`.
  func finish(_ record: PieceRecord, as place: FilePath) throws(Failure) {
    try writer.finish()
    try StoreFolder.write(record.text, to: folder.appending(Self.record))
    try StoreFolder.rename(folder, to: place)
    isFinished = true
    space.end()
  }

  static func open(_ folder: FilePath) throws(Failure) -> ObjectFile {
    try ObjectFile(path: folder.appending(objects))
  }
}

/// The objects of a piece that is being written.
///
/// Asked only by the task that writes, between two fetches, which is why it may cross the checks of concurrency.
struct WrittenObjects: ObjectSource, @unchecked Sendable {
  let writer: ObjectFileWriter
  func find(_ id: ObjectID) -> StoredObject? { writer.find(id) }
}
