import Archive
import Diagnostics
import Glibc
import OCI
import SystemPackage

extension ArchiveIndex {
  /// Adds the files of a `.git` that lies in `folder`, as if it were in the context's root.
  mutating func append(gitDirectory folder: FilePath, time: Int64) throws(Failure) {
    let time = FileTime(seconds: time)
    entries.append(directory(".git", time))
    var next = [(folder, FilePath(".git"))]
    while let (place, path) = next.popLast() {
      for name in try StoreFolder.names(in: place) {
        let (file, inside) = (place.appending(name), path.appending(name))
        var status = stat()
        guard file.withPlatformString({ lstat($0, &status) }) == 0 else { throw .gitFile(errno, "examined", file) }
        if status.st_mode & S_IFMT == S_IFDIR {
          entries.append(directory(inside, time))
          next.append((file, inside))
          continue
        }
        let body = HashingReader(over: try FileReader(path: file))
        try body.drain()
        let entry = TarEntry(path: inside, kind: .file, mode: 0o644, size: Int64(status.st_size), mtime: time)
        entries.append(
          IndexedEntry(entry: entry, bodyOffset: 0, fileNumber: files.count, contentDigest: body.digest))
        files.append(file)
        totalBytes = ByteCount(totalBytes.bytes + Int64(status.st_size))
      }
    }
  }

  private func directory(_ path: FilePath, _ time: FileTime) -> IndexedEntry {
    IndexedEntry(
      entry: TarEntry(path: path, kind: .directory, mode: 0o755, mtime: time), bodyOffset: 0, contentDigest: nil)
  }
}
