import Diagnostics
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Failure {
  /// What the kernel refused, as a letter: a full disk and a read-only directory are told apart from the rest,
  /// because their cure is in the reader's hands.
  static func system(_ code: Int32, _ doing: String, _ path: FilePath) -> Failure {
    let cause = Errno(rawValue: code).description
    switch code {
    case ENOSPC, EDQUOT:
      return Failure(
        .resourceExhausted,
        reason: "disk-full",
        "no space left for '\(path)'",
        hint: "free some space, or choose another directory with --data-dir",
        cause: "\(doing): \(cause)"
      )
    case EROFS, EACCES, EPERM:
      return Failure(
        .failedPrecondition,
        reason: "data-directory-not-writable",
        "'\(path)' is not writable",
        hint: "make it writable for this user, or choose another directory with --data-dir",
        cause: "\(doing): \(cause)"
      )
    case EMFILE, ENFILE:
      return Failure(
        .resourceExhausted,
        reason: "too-many-open-files",
        "no file descriptor left for '\(path)'",
        hint: "raise the limit with: ulimit -n 65536",
        cause: "\(doing): \(cause)"
      )
    default:
      return Failure(.internal, reason: "io-failed", "\(doing) failed for '\(path)'", cause: cause)
    }
  }
}

extension FilePath {
  /// Calls libc with the path, again when a signal interrupts it; -1 is thrown as what errno says.
  @discardableResult
  func system<T: SignedInteger>(_ doing: String, _ body: (UnsafePointer<CChar>) -> T) throws(Failure) -> T {
    let (result, code) = attempt(body)
    guard result != -1 else { throw Failure.system(code, doing, self) }
    return result
  }

  /// Calls libc with the path, again when a signal interrupts it; the result and errno, which counts when it is -1.
  func attempt<T: SignedInteger>(_ body: (UnsafePointer<CChar>) -> T) -> (result: T, errno: Int32) {
    withPlatformString { pointer in
      while true {
        let result = body(pointer)
        let code = result == -1 ? errno : 0
        if code != EINTR { return (result, code) }
      }
    }
  }

  /// Size of the regular file, or nil when there is none.
  var fileSize: ByteCount? {
    guard let status = try? stat(), status.type == .regular else { return nil }
    return ByteCount(status.size)
  }

  /// When the file was last written or touched; nil when there is none.
  var fileTime: Timestamp? {
    guard let status = try? stat(), status.type == .regular else { return nil }
    return Timestamp(
      milliseconds: Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000)
  }

  /// Dates the file to this moment.
  func touch() { withPlatformString { _ = utimensat(AT_FDCWD, $0, nil, 0) } }

  var isDirectory: Bool { (try? stat())?.type == .directory }

  /// Makes the directory and its missing parents, for this user alone.
  func makeDirectory() throws(Failure) {
    let (result, code) = attempt { mkdir($0, 0o700) }
    if result == 0 || (code == EEXIST && isDirectory) { return }
    guard code == ENOENT, !removingLastComponent().isEmpty, removingLastComponent() != self else {
      throw noDirectory(code)
    }
    try removingLastComponent().makeDirectory()
    let (again, reason) = attempt { mkdir($0, 0o700) }
    if again != 0, reason != EEXIST || !isDirectory { throw noDirectory(reason) }
  }

  /// Why no directory can be made here; a file in its place is the reader's to move, not a bug of ours.
  private func noDirectory(_ code: Int32) -> Failure {
    switch code {
    case EEXIST, ENOTDIR, ENOENT, ELOOP, ENAMETOOLONG:
      Failure(
        .failedPrecondition,
        reason: "directory-impossible",
        "'\(self)' cannot be made a directory",
        hint: "move what is in its way, or choose another directory with --data-dir",
        cause: Errno(rawValue: code).description
      )
    default: Failure.system(code, "making a directory", self)
    }
  }

  /// Opens with `O_CLOEXEC`; `mode` counts for new files.
  func open(_ flags: Int32, mode: mode_t = 0o644, _ doing: String) throws(Failure) -> FileDescriptor {
    #if canImport(Glibc)
      FileDescriptor(rawValue: try system(doing) { Glibc.open($0, flags | O_CLOEXEC, mode) })
    #else
      FileDescriptor(rawValue: try system(doing) { Darwin.open($0, flags | O_CLOEXEC, mode) })
    #endif
  }

  /// Forces names made in or removed from this directory, or the bytes of this file, to the disk.
  func synchronize() throws(Failure) {
    let descriptor = try open(O_RDONLY, "opening to sync")
    defer { try? descriptor.close() }
    try descriptor.synchronize(self)
  }

  func rename(to target: FilePath) throws(Failure) {
    try target.system("renaming into place") { new in
      #if canImport(Glibc)
        withPlatformString { old in Glibc.rename(old, new) }
      #else
        withPlatformString { old in Darwin.rename(old, new) }
      #endif
    }
  }

  /// Removes the name; a missing one is fine.
  func removeFile() throws(Failure) {
    let (result, code) = attempt { unlink($0) }
    guard result == 0 || code == ENOENT else { throw Failure.system(code, "removing", self) }
  }

  /// Writes a small file under a temporary name and renames it into place.
  package func replaceContents(with bytes: some Sequence<UInt8>, mode: mode_t = 0o644, durability: Durability)
    throws(Failure)
  {
    let temporary = FilePath(string + ".new")
    let descriptor = try temporary.open(O_WRONLY | O_CREAT | O_TRUNC, mode: mode, "creating")
    do throws(Failure) {
      defer { try? descriptor.close() }
      try descriptor.writeAll(Array(bytes), to: temporary)
      if durability == .durable { try descriptor.synchronize(temporary) }
    } catch {
      try? temporary.removeFile()
      throw error
    }
    try temporary.rename(to: self)
    if durability == .durable { try removingLastComponent().synchronize() }
  }

  /// Names in the directory, without `.` and `..`; ones that are no UTF-8 are left out.
  func entries() throws(Failure) -> [String] {
    let descriptor = try open(O_RDONLY | O_DIRECTORY, "listing")
    guard let stream = fdopendir(descriptor.rawValue) else {
      try? descriptor.close()
      throw Failure.system(errno, "listing", self)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 1) { String(validatingCString: $0) }
      }
      if let name, name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// The whole file; throws when it is larger than `limit`.
  package func readContents(limit: ByteCount) throws(Failure) -> [UInt8] {
    let descriptor = try open(O_RDONLY, "opening")
    defer { try? descriptor.close() }
    return try descriptor.readAll(limit: limit, of: self)
  }
}

extension FilePath {
  /// Everything a file without a size gives, as those in /proc.
  func readStream() throws(Failure) -> [UInt8] {
    let descriptor = try open(O_RDONLY, "opening")
    defer { try? descriptor.close() }
    var bytes: [UInt8] = []
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { buffer.deallocate() }
    while true {
      let count = try descriptor.read(at: Int64(bytes.count), into: buffer, of: self)
      if count == 0 { return bytes }
      bytes.append(contentsOf: buffer[..<count])
    }
  }
}

extension FileDescriptor {
  /// Writes every byte, however the kernel parts them.
  func writeAll(_ bytes: UnsafeRawBufferPointer, to path: FilePath) throws(Failure) {
    var rest = bytes
    while !rest.isEmpty {
      let written = try path.system("writing") { _ in
        #if canImport(Glibc)
          Glibc.write(rawValue, rest.baseAddress, rest.count)
        #else
          Darwin.write(rawValue, rest.baseAddress, rest.count)
        #endif
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  func writeAll(_ bytes: [UInt8], to path: FilePath) throws(Failure) {
    try bytes.withUnsafeBytes { buffer in Result { () throws(Failure) in try writeAll(buffer, to: path) } }.get()
  }

  /// Fills as much of `buffer` as the file has from `offset`; 0 at its end.
  func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer, of path: FilePath) throws(Failure) -> Int {
    try path.system("reading") { _ in
      #if canImport(Glibc)
        Glibc.pread(rawValue, buffer.baseAddress, buffer.count, off_t(offset))
      #else
        Darwin.pread(rawValue, buffer.baseAddress, buffer.count, off_t(offset))
      #endif
    }
  }

  func readAll(limit: ByteCount, of path: FilePath) throws(Failure) -> [UInt8] {
    let size = path.fileSize ?? ByteCount(0)
    guard size <= limit else {
      throw Failure(
        .outOfRange,
        reason: "file-too-large",
        "'\(path)' has \(size), more than the \(limit) allowed here"
      )
    }
    var bytes = [UInt8](repeating: 0, count: Int(size.bytes))
    var filled = 0
    while filled < bytes.count {
      let count = try bytes.withUnsafeMutableBytes { buffer in
        Result { () throws(Failure) in
          try read(at: Int64(filled), into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]), of: path)
        }
      }.get()
      guard count > 0 else { break }
      filled += count
    }
    bytes.removeLast(bytes.count - filled)
    return bytes
  }

  func synchronize(_ path: FilePath) throws(Failure) {
    try path.system("syncing to the disk") { _ in fsync(rawValue) }
  }
}
