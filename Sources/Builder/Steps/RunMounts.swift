import Archive
import Diagnostics
import Glibc
import OCI
import Sandbox
import Storage
import SystemPackage

/// Where the files of a mount come from, looked up.
struct MountOrigin: Sendable {
  enum Files: Sendable {
    case none
    /// A path of a context without links in it.
    case context(ContextFiles, FilePath)
    /// A path without links in a root of layers.
    case layers(StageBuild, FilePath)
  }

  var files: Files
  /// What the files are, for the cache's key: their digest, or that of the layers they are in.
  var identity: String
}

/// What a RUN's mounts need while it runs: directories, leases of caches, sockets. `release` must be called.
final class RunMounts {
  private let builder: ImageBuilder
  private let order: BuildOrder
  private let scratch: ScratchFolder
  private let onNote: (String) throws(Failure) -> Void

  /// As the sandbox makes them, in their order.
  private(set) var mounts: [SandboxMount] = []
  /// `K=V` that mounts add to the command's environment.
  private(set) var environment: [String] = []
  private var leases: [CacheMounts.Name: CacheMounts.Lease] = [:]
  private var forwarders: [AgentForwarder] = []

  init(
    builder: ImageBuilder, order: BuildOrder, scratch: ScratchFolder,
    onNote: @escaping (String) throws(Failure) -> Void
  ) {
    self.builder = builder
    self.order = order
    self.scratch = scratch
    self.onNote = onNote
  }

  /// Makes everything ready; may wait for other commands that have a cache locked.
  func prepare(_ wanted: [RunMount], _ origins: [MountOrigin]) async throws(Failure) {
    try await leaseCaches(of: wanted, origins)
    for (mount, origin) in zip(wanted, origins) {
      switch mount.kind {
      case .bind: try bind(mount, origin.files)
      case .cache(let cache): try self.cache(cache, mount, origin)
      case .tmpfs(let size):
        guard let target = mount.target else { continue }
        mounts.append(.tmpfs(FilePath(target), size: size))
      case .secret(let secret): try self.secret(secret, mount)
      case .ssh(let agent): try ssh(agent, mount)
      }
    }
  }

  /// Gives everything back; the command must have ended.
  func release() {
    for lease in leases.values { builder.caches.release(lease) }
    for forwarder in forwarders { forwarder.end() }
    leases = [:]
    forwarders = []
  }

  // MARK: - Binds

  private func bind(_ mount: RunMount, _ files: MountOrigin.Files) throws(Failure) {
    guard let target = mount.target.map({ FilePath($0) }) else { return }
    let source: SandboxMount.Source
    switch files {
    case .none: source = .bind(try scratch.directory("mount"))
    case .context(let files, let path):
      let root = try files.root(with: path)
      // A link on the way would be followed on the machine, but the path has none.
      source =
        mount.isReadOnly ? .bind(root.appending(path.components)) : .layers(try overlay(over: [root]), path: path)
    case .layers(let build, let path):
      source = .layers(try overlay(over: try build.lowers(builder.layers, scratch)), path: path)
    }
    mounts.append(SandboxMount(source, target: target, readOnly: mount.isReadOnly))
  }

  /// An overlay whose upper directory goes with the build's temporary files.
  private func overlay(over lowers: [FilePath]) throws(Failure) -> SandboxRoot {
    let folder = try scratch.directory("mount")
    let root = SandboxRoot(lowers: lowers, upper: folder.appending("upper"), work: folder.appending("work"))
    try root.create()
    return root
  }

  // MARK: - Caches

  /// In the order of their names: two commands that lock the same two caches never wait for each other.
  private func leaseCaches(of wanted: [RunMount], _ origins: [MountOrigin]) async throws(Failure) {
    var sharing: [CacheMounts.Name: RunCache.Sharing] = [:]
    for (mount, origin) in zip(wanted, origins) {
      guard case .cache(let cache) = mount.kind else { continue }
      let name = name(of: cache, origin)
      if sharing[name] == nil || cache.sharing == .locked { sharing[name] = cache.sharing }
    }
    let order = sharing.sorted {
      ($0.key.id, $0.key.origin, $0.key.owner.text) < ($1.key.id, $1.key.origin, $1.key.owner.text)
    }
    for (name, sharing) in order {
      leases[name] = try await builder.caches.lease(name, sharing: sharing) { () throws(Failure) in
        try onNote("waiting for cache '\(name.id)', which another step has locked")
      }
    }
  }

  private func name(of cache: RunCache, _ origin: MountOrigin) -> CacheMounts.Name {
    CacheMounts.Name(
      organization: order.organization, id: cache.id, owner: cache.owner,
      origin: cache.origin == nil ? "" : origin.identity)
  }

  private func cache(_ cache: RunCache, _ mount: RunMount, _ origin: MountOrigin) throws(Failure) {
    guard let lease = leases[name(of: cache, origin)], let target = mount.target else { return }
    try builder.caches.prepare(lease, in: scratch) { (fresh) throws(Failure) in
      try fill(fresh, cache, origin.files)
    }
    // Without an origin a source is a directory inside the cache.
    let inside = cache.origin == nil ? FilePath(cache.path) : "/"
    guard !inside.components.isEmpty else {
      mounts.append(.bind(lease.path, target: FilePath(target), readOnly: mount.isReadOnly))
      return
    }
    let root = try RootDirectory(lease.path)
    guard let status = try? root.status(inside, followLast: false), status.kind == .directory else {
      throw Failure(
        .failedPrecondition, reason: "mount-source-missing",
        "cache '\(cache.id)' has no directory '\(cache.path)' to mount",
        hint: "leave source out, or make the directory in an earlier RUN")
    }
    mounts.append(.bind(lease.path.appending(inside.components), target: FilePath(target), readOnly: mount.isReadOnly))
  }

  private func fill(_ fresh: FilePath, _ cache: RunCache, _ files: MountOrigin.Files) throws(Failure) {
    let xattrs = builder.layers.xattrs
    switch files {
    case .none:
      guard chown(fresh.string, cache.owner.uid, cache.owner.gid) == 0,
        chmod(fresh.string, mode_t(cache.owner.mode)) == 0
      else {
        throw Failure(
          .failedPrecondition, reason: "cache-mount",
          "cache '\(cache.id)' cannot be given to \(cache.owner.uid):\(cache.owner.gid)",
          cause: Errno(rawValue: errno).description)
      }
    case .context(let files, let path):
      try SourceCopy(tree: files.context, root: fresh, xattrs: xattrs).write(path, as: FilePath())
    case .layers(let build, let path):
      let tree = try build.tree(builder.layers, scratch)
      try SourceCopy(tree: tree, root: fresh, xattrs: xattrs).write(path, as: FilePath())
    }
  }

  // MARK: - Secrets and agents

  private func secret(_ secret: RunSecret, _ mount: RunMount) throws(Failure) {
    guard let value = order.secrets[secret.id] else {
      guard secret.isRequired else { return }
      throw Failure(
        .failedPrecondition, reason: "secret-missing", "secret '\(secret.id)' is required and was not given",
        hint: "save it with SaveBuildSecrets under build_secrets, or leave required out")
    }
    if let variable = secret.variable {
      guard let text = value.text, !value.bytes.contains(0) else {
        throw Failure(
          .invalidArgument, reason: "secret-not-text", "secret '\(secret.id)' is no text that a variable could hold",
          hint: "mount it as a file: leave env= out")
      }
      environment.append("\(variable)=\(text)")
    }
    guard let target = mount.target else { return }
    let owner = UserSpec(uid: secret.owner.uid, gid: secret.owner.gid)
    mounts.append(
      SandboxMount(
        .content(value, owner: owner, mode: secret.owner.mode), target: FilePath(target), readOnly: true))
  }

  private func ssh(_ agent: RunAgent, _ mount: RunMount) throws(Failure) {
    guard let target = mount.target else { return }
    guard let socket = order.agents[agent.id] else {
      guard agent.isRequired else { return }
      throw Failure(
        .failedPrecondition, reason: "ssh-agent-missing", "ssh agent '\(agent.id)' is required and was not given",
        hint: "give it one: --ssh \(agent.id)=SOCKET (executor), --allow-ssh-agent \(agent.id)=SOCKET (start)")
    }
    let forwarder = try AgentForwarder(agent: socket, path: scratch.file("agent"), owner: agent.owner)
    forwarders.append(forwarder)
    mounts.append(.bind(forwarder.path, target: FilePath(target)))
  }
}
