import CSandbox
import Glibc
import SystemPackage

/// Finds out what this machine allows, by trying it in processes of its own; takes a few milliseconds.
package enum SandboxProbe {
  /// One thing a sandbox needs.
  package struct Finding: Sendable, Hashable {
    /// Stable: `user`, `user-namespace`, `namespaces`, `network`, `overlay`, `many-layers`,
    /// `seccomp`.
    package var name: String
    package var ok: Bool
    package var detail: String
    /// What to do about it when it isn't ok.
    package var hint: String?
    package init(name: String, ok: Bool, detail: String, hint: String? = nil) {
      self.name = name
      self.ok = ok
      self.detail = detail
      self.hint = hint
    }
  }

  /// Tries everything. `directory` is where build roots will be, as overlay depends on the file system; nil tries the
  /// directory for temporary files. What is made there is removed again.
  package static func run(executable: FilePath = "/proc/self/exe", directory: FilePath? = nil) -> [Finding] {
    let pattern = (directory ?? FilePath("/tmp")).appending("probe-XXXXXX")
    var name = Array(pattern.string.utf8CString)
    guard mkdtemp(&name) != nil else {
      let cause = Errno(rawValue: errno)
      return [Finding(name: "overlay", ok: false, detail: "\"\(pattern.removingLastComponent())\": \(cause)")]
    }
    let place = FilePath(platformString: name)
    defer { try? SandboxRoot(lowers: [], upper: place, work: place).removeWork() }
    return [user] + answers(executable: executable, place: place).map(finding)
  }

  private static func answers(executable: FilePath, place: FilePath) -> [(name: String, error: Errno)] {
    var buffer = [CChar](repeating: 0, count: 4096)
    let length = executable.withPlatformString { executable in
      place.withPlatformString { csandbox_probe(executable, $0, &buffer, buffer.count) }
    }
    let text = String(decoding: buffer[..<max(0, length)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 2, let number = Int32(words[1]) else { return nil }
      return (String(words[0]), Errno(rawValue: number))
    }
  }

  private static var user: Finding {
    if UserNamespace.isNeeded {
      let ranges = UserNamespace.ranges
      return Finding(
        name: "user",
        ok: true,
        detail: ranges.map { "an ordinary user with \($0.uids.count) ids for images" }
          ?? "an ordinary user without ids for images",
        hint: ranges == nil ? UserNamespace.Situation.rootOnly.warning : nil
      )
    }
    switch UserNamespace.situation {
    case .machine: return Finding(name: "user", ok: true, detail: "root")
    case .mapped(let ids): return Finding(name: "user", ok: true, detail: "root of a user namespace with \(ids) ids")
    case .rootOnly:
      return Finding(
        name: "user",
        ok: true,
        detail: "root of a user namespace with no other ids",
        hint: UserNamespace.Situation.rootOnly.warning
      )
    }
  }

  private static func finding(name: String, error: Errno) -> Finding {
    let ok = error.rawValue == 0
    return Finding(
      name: name,
      ok: ok,
      detail: ok ? "available" : "refused: \(error)",
      hint: ok ? nil : hint(for: name)
    )
  }

  private static func hint(for name: String) -> String? {
    switch name {
    case "user-namespace":
      "allow them: sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1 and, on Ubuntu, "
        + "kernel.apparmor_restrict_unprivileged_userns=0; or run the server as root"
    case "namespaces": "run as root, or in a container started with --privileged"
    case "network": "RUN --network=none needs a kernel with network namespaces"
    case "overlay":
      "put the data directory on ext4, xfs or btrfs, not on another overlay; an ordinary user needs Linux 5.11"
    case "many-layers": "Linux 6.5 stacks 500 layers, older kernels as many as fit in one page of mount options"
    case "seccomp":
      "commands of builds may make every system call; a kernel with CONFIG_SECCOMP_FILTER keeps dangerous ones from them"
    default: nil
    }
  }
}
