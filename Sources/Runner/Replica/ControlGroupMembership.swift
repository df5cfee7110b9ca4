import Glibc
import SystemPackage

/// The control groups a process is in, by /proc/self/cgroup (cgroups(7)), and where they are mounted, by
/// /proc/self/mountinfo (proc(5)).
struct ControlGroupMembership: Hashable {
  private struct Mount: Hashable {
    /// The part of the hierarchy that is seen there.
    var root: String
    var point: String
    /// Nil for the unified hierarchy.
    var controllers: Set<String>?
  }

  private let mounts: [Mount]
  /// By controller; the unified hierarchy's has the empty name.
  private let paths: [String: String]

  static func ofThisProcess() -> ControlGroupMembership {
    ControlGroupMembership(groups: text("/proc/self/cgroup"), mounts: text("/proc/self/mountinfo"))
  }

  init(groups: String, mounts: String) {
    paths = groups.split(separator: "\n").reduce(into: [:]) { paths, line in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return }
      for controller in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
        paths[String(controller)] = String(fields[2])
      }
    }
    self.mounts = mounts.split(separator: "\n").compactMap { line in
      let halves = line.split(separator: " ").split(separator: "-", maxSplits: 1).map(Array.init)
      guard halves.count == 2, halves[0].count >= 5, halves[1].count >= 3 else { return nil }
      let options = Set(halves[1][2].split(separator: ",").map(String.init))
      switch halves[1][0] {
      case "cgroup": return Mount(root: String(halves[0][3]), point: String(halves[0][4]), controllers: options)
      case "cgroup2": return Mount(root: String(halves[0][3]), point: String(halves[0][4]), controllers: nil)
      default: return nil
      }
    }
  }

  /// The process's group in the controller's own hierarchy.
  func separate(_ controller: String) -> FilePath? {
    guard let path = paths[controller],
      let mount = mounts.first(where: { $0.controllers?.contains(controller) == true })
    else { return nil }
    return place(of: path, in: mount)
  }

  /// Its group in the unified hierarchy, the one above, and the top.
  var unifiedCandidates: [FilePath] {
    guard let path = paths[""], let mount = mounts.first(where: { $0.controllers == nil }) else { return [] }
    let own = place(of: path, in: mount)
    let top = FilePath(mount.point)
    return own == top ? [top] : [own, own.removingLastComponent(), top]
  }

  private func place(of path: String, in mount: Mount) -> FilePath {
    var rest = path[...]
    if mount.root != "/", rest.hasPrefix(mount.root) { rest = rest.dropFirst(mount.root.count) }
    // A path outside what is mounted (`/../other`) can't be named; the top is the nearest.
    if rest.hasPrefix("/..") { rest = "" }
    return FilePath(mount.point).appending(
      rest.split(separator: "/").map { FilePath.Component(String($0)) }.compactMap { $0 })
  }

  private static func text(_ path: FilePath) -> String {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return "" }
    defer { try? file.close() }
    var bytes: [UInt8] = []
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    defer { piece.deallocate() }
    while let count = try? file.read(into: piece), count > 0 { bytes.append(contentsOf: piece[..<count]) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
