import Diagnostics
import Dockerfile
import OCI

// RUN: the command, and what it sees while it runs.
extension StagePlanner {
  /// Where a heredoc with a `#!` line is mounted: BuildKit names it by its delimiter.
  private static func scriptPath(_ run: RunInstruction) -> String {
    let name = run.heredocs.first?.name ?? ""
    return "/dev/pipes/" + (["", ".", ".."].contains(name) || name.contains("/") ? "EOF" : name)
  }

  /// What the `from=` of the mounts mean, by their words; nil in it is `scratch`.
  func origins(
    of run: RunInstruction, _ graph: StageGraph, _ bases: any BaseImageSource
  ) async throws(Failure) -> [String: CopyAction.Origin?] {
    var origins: [String: CopyAction.Origin?] = [:]
    for word in run.mountFlags.compactMap({ Mount.origin(of: $0) }) where origins[word] == nil {
      origins[word] = .some(try await origin(named: word, graph, bases))
    }
    return origins
  }

  func action(of run: RunInstruction, _ origins: [String: CopyAction.Origin?]) throws(Failure) -> RunAction {
    var proxies: [String] = []
    for name in PredefinedArguments.proxies.sorted() where scope.value(of: name) == nil {
      if let value = order.buildArgs[name] { proxies.append("\(name)=\(value)") }
    }
    guard run.devices.isEmpty else {
      throw Failure(
        .unimplemented, reason: "run-device-unsupported", "RUN --device=\(run.devices[0]) gives out devices, none here",
        hint: "leave --device out: a build here has no devices of the machine")
    }
    guard run.security == .sandbox || order.allowsInsecure else {
      throw Failure(
        .permissionDenied, reason: "run-insecure-not-allowed", "RUN --security=insecure is not allowed here",
        hint: "leave it out, or allow it: --allow security.insecure (executor), --allow-insecure (start)")
    }
    var mounts: [RunMount] = []
    var sockets: [String] = []
    for mount in try run.mounts(expand: { (word) throws(Failure) in try expand(word) }) {
      var planned = try self.mount(mount, origins)
      if mount.kind == .ssh {
        // BuildKit: the usual places; the variable names the first, be there an agent or not.
        let socket = planned.target ?? "/run/buildkit/ssh_agent.\(sockets.count)"
        planned.target = socket
        sockets.append(socket)
      }
      mounts.append(planned)
    }
    var environment = scope.commandEnvironment
    if let socket = sockets.first, !environment.contains(where: { $0.hasPrefix("SSH_AUTH_SOCK=") }) {
      environment.append("SSH_AUTH_SOCK=\(socket)")
    }
    return RunAction(
      arguments: run.script == nil ? arguments(of: run.command) : [Self.scriptPath(run)],
      environment: environment, proxies: proxies,
      user: container.user ?? "", workingDirectory: container.workingDir ?? "/", script: run.script,
      network: run.network == .none ? .none : .host, mounts: Self.sorted(mounts),
      isInsecure: run.security == .insecure, seesSecrets: !scope.secretArguments.isEmpty)
  }

  func history(of run: RunInstruction) -> String {
    let arguments = scope.arguments
    let shown = arguments.map { argument in
      let isSecret = scope.secretArguments.contains(argument.name)
      return "\(argument.name)=\(isSecret ? SecretValue.mask : argument.value) "
    }
    let count = arguments.isEmpty ? "" : "|\(arguments.count) " + shown.joined()
    let words = run.script == nil ? self.arguments(of: run.command) : [Self.scriptPath(run)]
    return "RUN \(count)\(words.joined(separator: " ")) # buildkit"
  }

  private func mount(_ mount: Mount, _ origins: [String: CopyAction.Origin?]) throws(Failure) -> RunMount {
    let target = mount.target.map { Self.resolve($0, from: container.workingDir ?? "/") }
    if target == "/" {
      throw Failure(
        .invalidArgument, reason: "mount-target-root", "mount target '\(mount.target ?? "/")' is the root itself",
        hint: "mount to a directory below it")
    }
    return RunMount(kind: kind(of: mount, origins), target: target, isReadOnly: mount.isReadOnly)
  }

  private func kind(of mount: Mount, _ origins: [String: CopyAction.Origin?]) -> RunMount.Kind {
    let path = Self.resolve(mount.source ?? "/", from: "/")
    func owner(mode: UInt16) -> RunOwner {
      let given = mount.mode.map { UInt16(truncatingIfNeeded: $0 & 0o7777) }
      return RunOwner(uid: mount.userID ?? 0, gid: mount.groupID ?? 0, mode: given ?? mode)
    }
    switch mount.kind {
    case .bind:
      guard let from = mount.from else { return .bind(.context, path: path) }
      return .bind(origins[from] ?? nil, path: path)
    case .cache:
      let sharing: RunCache.Sharing =
        switch mount.sharing {
        case .shared: .shared
        case .private: .private
        case .locked: .locked
        }
      return .cache(
        RunCache(
          id: Self.cacheID(mount), sharing: sharing, origin: mount.from.flatMap { origins[$0] ?? nil }, path: path,
          owner: owner(mode: 0o755)))
    case .tmpfs: return .tmpfs(size: mount.sizeLimit.flatMap { $0.bytes > 0 ? $0 : nil })
    case .secret:
      return .secret(
        RunSecret(
          id: mount.id ?? "", isRequired: mount.isRequired, owner: owner(mode: 0o400),
          variable: mount.environmentVariable))
    case .ssh:
      return .ssh(RunAgent(id: mount.id ?? "default", isRequired: mount.isRequired, owner: owner(mode: 0o600)))
    }
  }

  /// BuildKit: without an id the target is one, cleaned, but not seen from WORKDIR.
  private static func cacheID(_ mount: Mount) -> String {
    guard let id = mount.id, id == mount.target else { return mount.id ?? "" }
    let cleaned = resolve(id, from: "/")
    return id.hasPrefix("/") ? cleaned : String(cleaned.dropFirst())
  }

  /// A mount lies over those written before it, and in those of directories above it.
  private static func sorted(_ mounts: [RunMount]) -> [RunMount] {
    func depth(_ mount: RunMount) -> Int { mount.target?.split(separator: "/").count ?? 0 }
    return mounts.enumerated()
      .sorted { (depth($0.element), $0.offset) < (depth($1.element), $1.offset) }
      .map(\.element)
  }
}
