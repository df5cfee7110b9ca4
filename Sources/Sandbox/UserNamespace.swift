import CSandbox
import Diagnostics
import Glibc
import SystemPackage

/// The way of an ordinary user to be root of his own images: the whole server runs inside one user namespace.
package enum UserNamespace {
  /// Whether this process is no root of any kind, so that commands can't be run before `enter`.
  package static var isNeeded: Bool { geteuid() != 0 }

  /// Whether ids are mapped, so that an overlay keeps its marks in `user.*` instead of `trusted.*`.
  package static var isInside: Bool { situation != .machine }

  package enum Situation: Sendable, Hashable {
    /// The machine's own ids.
    case machine
    /// A user namespace with that many ids.
    case mapped(ids: UInt32)
    /// A user namespace in which there is nobody but root.
    case rootOnly

    /// What a user should know about it, in one line.
    package var warning: String? {
      guard self == .rootOnly else { return nil }
      return "only root inside images: install uidmap and add a range to /etc/subuid and /etc/subgid "
        + "(usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME)"
    }
  }

  /// Where this process stands.
  package static var situation: Situation { situation(map: text(of: "/proc/self/uid_map") ?? "") }

  /// Reads a uid_map (user_namespaces(7)): lines of first id, its id outside, and count.
  static func situation(map: String) -> Situation {
    let rows = map.split(separator: "\n").map { $0.split(separator: " ").compactMap { UInt32($0) } }
    if rows.isEmpty || rows.first == [0, 0, .max] { return .machine }
    let ids = rows.reduce(UInt32(0)) { $0 &+ ($1.count == 3 ? $1[2] : 0) }
    return ids <= 1 ? .rootOnly : .mapped(ids: ids)
  }

  /// Starts the program again, in this process and with the same arguments, as root of a new user namespace.
  ///
  /// Ids are mapped by newuidmap and newgidmap from the user's ranges; without those there is only root inside, and
  /// `situation` says so. Call it before any thread has work worth keeping: on success it doesn't return.
  package static func enter(arguments: [String]) throws(Failure) -> Never {
    if let refusal = SandboxProbe.run().first(where: { $0.name == "user-namespace" && !$0.ok }) {
      throw Failure(
        .failedPrecondition,
        reason: "user-namespace-unavailable",
        "user namespace can't be made",
        hint: refusal.hint,
        cause: refusal.detail
      )
    }
    let ranges = Self.ranges
    var argv = arguments.map { strdup($0) }
    defer { for argument in argv { free(argument) } }
    argv.append(nil)
    let error = csandbox_enter_user_namespace(ranges?.uids.argument ?? "", ranges?.gids.argument ?? "", argv)
    throw Failure(
      .internal,
      reason: "user-namespace-exec",
      "program can't start itself again",
      cause: Errno(rawValue: error).description
    )
  }

  /// What may be mapped for this user; nil when a file, a range or a program is missing.
  static var ranges: (uids: SubordinateRange, gids: SubordinateRange)? {
    let uid = getuid()
    let name = getpwuid(uid).map { String(cString: $0.pointee.pw_name) }
    guard hasMappers, let users = text(of: "/etc/subuid"), let groups = text(of: "/etc/subgid"),
      let uids = SubordinateRange.largest(in: users, name: name, uid: uid),
      let gids = SubordinateRange.largest(in: groups, name: name, uid: uid)
    else { return nil }
    return (uids, gids)
  }

  private static var hasMappers: Bool {
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    return ["newuidmap", "newgidmap"].allSatisfy { program in
      path.split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
    }
  }

  private static func text(of path: FilePath) -> String? {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
    defer { try? file.close() }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    var length = 0
    while length < bytes.count {
      guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: .init(rebasing: $0[length...])) })
      else { return nil }
      if count == 0 { break }
      length += count
    }
    return String(decoding: bytes[..<length], as: UTF8.self)
  }
}
