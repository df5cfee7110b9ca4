import Archive
import Diagnostics
import Glibc
import SystemPackage

/// Writes trees as files, copied out of the object files.
///
/// Everything is made relative to a descriptor of its directory, exclusively and without following links, so that no
/// tree can write outside the target (CVE-2021-21300 and its kin). No owner, no times, no syncing.
struct DirectoryCheckout {
  /// A directory of the way down; `length` is that of its path.
  private struct Level {
    var descriptor: CInt
    var length: Int
  }

  let target: FilePath
  let limits: GitLimits

  /// Writes into `target`, which is made; one that is there must be empty. Nothing of it stays when it fails.
  func write(_ mounted: MountedTrees, finish: () throws(Failure) -> Void) throws(Failure) {
    let isMade = try prepare()
    do throws(Failure) {
      let window = ObjectWindow()
      for tree in mounted.trees { try write(tree, window) }
      try finish()
    } catch {
      clear(alsoTarget: isMade)
      throw error
    }
  }

  /// Whether the target was made just now.
  private func prepare() throws(Failure) -> Bool {
    if target.withPlatformString({ mkdir($0, 0o755) }) == 0 { return true }
    guard errno == EEXIST else { throw .gitFile(errno, "made", target) }
    let directory = try DirectoryHandle(opening: target)
    guard try directory.list().isEmpty else {
      throw Failure(
        .alreadyExists, reason: "checkout-directory-not-empty", "directory '\(target)' is not empty",
        hint: "name a directory that is empty or not there yet")
    }
    return false
  }

  private func clear(alsoTarget: Bool) {
    // The failure that led here is the one to tell; this is the best that can be done after it.
    guard let directory = try? DirectoryHandle(opening: target), let names = try? directory.list() else { return }
    for name in names { try? directory.remove(name) }
    if alsoTarget { _ = target.withPlatformString { rmdir($0) } }
  }

  private func write(_ mounted: MountedTree, _ window: ObjectWindow) throws(Failure) {
    var levels = [Level(descriptor: try open(mounted.prefix), length: 0)]
    defer { for level in levels { close(level.descriptor) } }
    let contents = ObjectContents(mounted.source)
    var walk = TreeWalk(mounted.tree, contents: contents, limits: limits)
    while let item = try walk.next() {
      let slash = item.path.lastIndex(of: UInt8(ascii: "/"))
      while levels.count > 1, let last = levels.last, last.length != slash ?? 0 {
        close(last.descriptor)
        levels.removeLast()
      }
      guard let parent = levels.last?.descriptor else { continue }
      let name = item.path[(slash.map { $0 + 1 } ?? 0)...]
      switch item.mode {
      case .directory:
        levels.append(Level(descriptor: try makeDirectory(name, item, in: parent), length: item.path.count))
      case .submodule: close(try makeDirectory(name, item, in: parent))
      case .link: try makeLink(name, item, in: parent, contents)
      case .file, .executable: try makeFile(name, item, in: parent, contents, window)
      }
    }
  }

  /// The directory a submodule's tree goes into, made before by its parent's tree.
  private func open(_ prefix: [UInt8]) throws(Failure) -> CInt {
    let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
    var descriptor = try OpenFile.retrying("opened", target) { target.withPlatformString { Glibc.open($0, flags) } }
    for part in prefix.split(separator: UInt8(ascii: "/")) {
      let inner = withName(part) { openat(descriptor, $0, flags | O_NOFOLLOW) }
      let code = errno
      close(descriptor)
      guard inner >= 0 else { throw .gitFile(code, "opened", path(prefix)) }
      descriptor = inner
    }
    return descriptor
  }

  private func makeDirectory(_ name: ArraySlice<UInt8>, _ item: TreeItem, in parent: CInt) throws(Failure) -> CInt {
    let descriptor = withName(name) { name in
      mkdirat(parent, name, 0o755) == 0 ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1
    }
    guard descriptor >= 0 else { throw .gitFile(errno, "made", path(item.path)) }
    return descriptor
  }

  private func makeLink(
    _ name: ArraySlice<UInt8>, _ item: TreeItem, in parent: CInt, _ contents: ObjectContents
  ) throws(Failure) {
    guard let content = item.content else { return }
    let target = try contents.bytes(of: content, prefix: content.size)
    let result = withName(target[...]) { target in withName(name) { symlinkat(target, parent, $0) } }
    guard result == 0 else { throw .gitFile(errno, "made", path(item.path)) }
  }

  private func makeFile(
    _ name: ArraySlice<UInt8>, _ item: TreeItem, in parent: CInt, _ contents: ObjectContents, _ window: ObjectWindow
  ) throws(Failure) {
    guard let content = item.content else { return }
    let mode: mode_t = item.mode == .executable ? 0o755 : 0o644
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let descriptor = withName(name) { openat(parent, $0, flags, mode) }
    guard descriptor >= 0 else { throw .gitFile(errno, "made", path(item.path)) }
    defer { close(descriptor) }
    try window.forEachPart(of: content, in: try contents.file(content.file)) { part throws(Failure) in
      var rest = part
      while !rest.isEmpty {
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
        if count < 0 {
          if errno == EINTR { continue }
          throw .gitFile(errno, "written", self.path(item.path))
        }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
  }

  private func path(_ relative: [UInt8]) -> FilePath { target.pushing(filePath(relative)) }
}

/// Calls `body` with a name as C reads it.
func withName<Result>(_ name: ArraySlice<UInt8>, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: name.count + 1) { buffer in
    name.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
    buffer[name.count] = 0
    // The buffer has at least the NUL, so its address is there.
    return body(UnsafePointer(buffer.baseAddress.unsafelyUnwrapped))
  }
}
