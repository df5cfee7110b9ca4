import CCompression
import Diagnostics
import Glibc
import SystemPackage

/// Which extended attributes overlayfs keeps its marks in.
package enum OverlayXattrs: Sendable, Hashable {
  /// `trusted.overlay.*`, for root.
  case trusted
  /// `user.overlay.*`, inside a user namespace, where the overlay is mounted with `userxattr`.
  case user

  /// The attribute that hides everything of that directory in lower layers; its value is `y`.
  package var opaque: String {
    switch self {
    case .trusted: "trusted.overlay.opaque"
    case .user: "user.overlay.opaque"
    }
  }
}

/// The extended attributes of open files.
enum ExtendedAttributes {
  /// Whether an attribute belongs into a layer: file capabilities and the users' own, but none of overlayfs, which a
  /// layer could use to redirect directories, and none that only means something on one machine.
  static func isPortable(_ name: String) -> Bool {
    name == "security.capability" || name.hasPrefix("user.") && !name.hasPrefix("user.overlay.")
  }

  /// All portable attributes of an open file.
  static func portable(of descriptor: CInt, path: @autoclosure () -> FilePath) throws(Failure) -> [String: [UInt8]] {
    var found: [String: [UInt8]] = [:]
    for name in try names(of: descriptor, path: path()) where isPortable(name) {
      found[name] = try get(name, of: descriptor, path: path())
    }
    return found
  }

  static func set(
    _ name: String,
    _ value: [UInt8],
    on descriptor: CInt,
    path: @autoclosure () -> FilePath
  ) throws(Failure) {
    let result = value.withUnsafeBytes { fsetxattr(descriptor, name, $0.baseAddress, $0.count, 0) }
    guard result != 0 else { return }
    throw Failure(errno: errno, doing: "given the attribute '\(name)'", path: path())
  }

  /// The value; nil when there is none or the file system has no such attributes.
  static func get(_ name: String, of descriptor: CInt, path: @autoclosure () -> FilePath) throws(Failure) -> [UInt8]? {
    var value = [UInt8](repeating: 0, count: 256)
    while true {
      let count = value.withUnsafeMutableBytes { fgetxattr(descriptor, name, $0.baseAddress, $0.count) }
      if count >= 0 { return Array(value[..<count]) }
      switch errno {
      case ENODATA, ENOTSUP: return nil
      // An attribute holds 64 KiB at most.
      case ERANGE where value.count < 64 << 10: value = [UInt8](repeating: 0, count: 64 << 10)
      default: throw Failure(errno: errno, doing: "asked for the attribute '\(name)'", path: path())
      }
    }
  }

  /// The names of all attributes; none when the file system has no such thing.
  static func names(of descriptor: CInt, path: @autoclosure () -> FilePath) throws(Failure) -> [String] {
    let probe = flistxattr(descriptor, nil, 0)
    if probe == 0 || probe < 0 && errno == ENOTSUP { return [] }
    // The list holds 64 KiB at most.
    let buffer = FixedBuffer(capacity: 64 << 10)
    let count = flistxattr(descriptor, buffer.bytes.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
    guard count >= 0 else { throw Failure(errno: errno, doing: "asked for its attributes", path: path()) }
    return buffer.view(0..<count).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }
}
