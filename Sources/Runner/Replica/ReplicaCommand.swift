import Diagnostics
import OCI
import Sandbox
import Storage
import SystemPackage

/// An image's command under the rules of the container contract (contract §1.2).
struct ReplicaCommand {
  /// The only place a replica may write to.
  static let home = "/tmp/ignite"

  let resident: ResidentCommand

  /// Throws `user-root`, `user-not-numeric`, `command-empty` and `image-empty`.
  init(
    _ plan: ReplicaPlan, id: ReplicaID, mountPoint: FilePath, resolver: HostResolver = .ofThisMachine()
  ) throws(Failure) {
    let image = plan.config.config ?? ImageConfig.Container()
    let relaxed = plan.relaxations
    let hostname = id.text.lowercased().replacing("_", with: "-")
    let user = image.user.flatMap { $0.isEmpty ? nil : $0 }
    if let failure = plan.config.refusal(of: plan.imageReference, relaxed) { throw failure }
    // What is written to a root that may be written to is memory too.
    let rootSize = relaxed.contains(.root) ? plan.limits.memory : .mebibytes(4)
    var command = ResidentCommand(
      lowers: plan.lowers, mountPoint: mountPoint, rootSize: rootSize,
      arguments: (image.entrypoint ?? []) + (image.cmd ?? []))
    guard !plan.lowers.isEmpty else {
      throw Failure(
        .failedPrecondition, reason: "image-empty",
        "image \(plan.imageReference) has no file, and so no command to run",
        hint: "COPY the program into it")
    }
    command.environment = Self.environment(image, plan, hostname)
    command.workingDirectory = image.workingDir.flatMap { $0.isEmpty ? nil : $0 } ?? "/"
    command.user = user ?? "0"
    command.hostname = hostname
    command.limits.openFiles = 65_536
    command.isRootReadOnly = !relaxed.contains(.root)
    command.isStrict = !relaxed.contains(.privileges)
    command.mounts = [
      SandboxMount(.ownMemory(size: plan.limits.memory), target: FilePath(Self.home)),
      Self.file("/etc/hosts", "127.0.0.1\tlocalhost \(hostname)\n::1\tlocalhost ip6-localhost ip6-loopback\n"),
      Self.file("/etc/hostname", hostname + "\n"),
      Self.file(
        "/etc/resolv.conf",
        plan.outbound == .everywhere
          ? resolver.replicaText : "# no name server: this app reaches nothing outside\n"),
    ]
    command.asksToConnect = plan.outbound == .everywhere
    resident = command
  }

  private static func file(_ path: FilePath, _ text: String) -> SandboxMount {
    SandboxMount(.content(SecretValue(text), owner: .root, mode: 0o644), target: path, readOnly: true)
  }

  /// The image's variables, the app's over them, and over all what the platform injects.
  private static func environment(
    _ image: ImageConfig.Container, _ plan: ReplicaPlan, _ hostname: String
  ) -> [String] {
    var values: [String: String] = [
      "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME": hostname,
    ]
    for entry in image.env ?? [] {
      let name = String(entry.prefix { $0 != "=" })
      values[name] = entry.contains("=") ? String(entry.dropFirst(name.count + 1)) : ""
    }
    values.merge(plan.environment) { $1 }
    values["PORT"] = (plan.revision.policy.ports.first ?? .standard).description
    values["HOME"] = home
    return values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
  }
}
