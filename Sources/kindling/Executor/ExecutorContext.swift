import Archive
import Builder
import Diagnostics
import Foundation
import OCI
import Service
import Storage
import SystemPackage

/// Turns the settings into a build order: finds the context and the Dockerfile on this machine.
struct ExecutorContext {
  let settings: ExecutorSettings
  let data: DataDirectory
  let environment: [String: String]
  /// The files of a git context, fetched already.
  let tree: ArchiveIndex?

  /// Throws `context-missing` and its kin, and what cannot be had here yet.
  func order() throws(Failure) -> BuildOrder {
    let (source, subPath) = try source()
    let (dockerfile, host) = dockerfile(in: source)
    var order = BuildOrder(
      workName: "executor", source: source, dockerfile: dockerfile, buildArgs: settings.buildArgs,
      target: settings.target, platform: settings.platform, noCache: !settings.isCaching,
      organization: try OrganizationName("executor"))
    order.namedContexts = try settings.namedContexts.contexts()
    for socket in settings.grants.agents.values { try AgentWord.check(socket) }
    order.agents = settings.grants.agents
    order.allowsInsecure = settings.grants.allowsInsecure
    for secret in settings.secrets { order.secrets[secret.id] = try value(of: secret) }
    order.contextSubPath = subPath
    order.hostDockerfile = host
    order.layerFormat = settings.layerFormat
    order.singleSnapshot = settings.singleSnapshot
    order.cacheLife = settings.cache.timeToLive
    return order
  }

  private func value(of secret: ExecutorSettings.Secret) throws(Failure) -> SecretValue {
    switch secret.source {
    case .file(let path):
      return SecretValue(try FileReader(path: path).contents(limit: Self.secretLimit))
    case .environment(let name):
      guard let value = environment[name] else {
        throw Failure(
          .invalidArgument, reason: "secret-missing",
          "secret '\(secret.id)' is to come from '\(name)', which is not set",
          hint: "export it, or name a file with src=")
      }
      return SecretValue(value)
    }
  }

  /// Docker's bound.
  private static let secretLimit = ByteCount.kibibytes(500)

  private func source() throws(Failure) -> (BuildOrder.Source, subPath: String) {
    switch settings.context {
    case .directory(let path):
      let sub = FilePath(settings.contextSubPath).removingRoot().lexicallyNormalized()
      guard sub.components.first?.kind != .parentDirectory else {
        throw Failure(
          .invalidArgument, reason: "context-directory-missing",
          "sub path '\(settings.contextSubPath)' leads out of the context")
      }
      let folder = path.appending(sub.components)
      guard Self.isDirectory(folder) else {
        throw Failure(
          .invalidArgument, reason: "context-missing", "there is no directory '\(folder)'",
          hint: "name the directory that holds the Dockerfile with --context dir://PATH")
      }
      return (.directory(folder), "")
    case .archive(let path):
      guard FileManager.default.fileExists(atPath: path.string) else {
        throw Failure(
          .invalidArgument, reason: "context-missing", "there is no file '\(path)'",
          hint: "make it with: tar -C DIR -czf context.tar.gz .")
      }
      return (.archive(path), settings.contextSubPath)
    case .standardInput: return (.archive(try storeInput()), settings.contextSubPath)
    case .git:
      guard let tree else {
        throw Failure(.internal, reason: "context-order", "the git context was asked for before it was fetched")
      }
      // Its sub path was fetched alone.
      return (.tree(tree), "")
    }
  }

  /// An archive is read twice, and a pipe only once.
  private func storeInput() throws(Failure) -> FilePath {
    let path = data.path(.work).appending("context-stdin")
    let writer = try FileWriter(creating: path, permissions: 0o600)
    let count = try FileReader(FileDescriptor.standardInput).copy(to: writer)
    try writer.finish()
    guard count > 0 else {
      throw Failure(
        .invalidArgument, reason: "context-missing", "standard input holds no context",
        hint: "tar -C DIR -cz . | kindling executor --context tar://stdin …")
    }
    return path
  }

  /// Kaniko: a Dockerfile need not be in the context. Here: the context's own wins over one of the working directory.
  private func dockerfile(in source: BuildOrder.Source) -> (name: String, host: FilePath?) {
    let path = FilePath(settings.dockerfile)
    guard case .directory(let root) = source else {
      return path.isAbsolute ? (path.lastComponent?.string ?? "Dockerfile", path) : (settings.dockerfile, nil)
    }
    if path.isAbsolute {
      let top = Self.absolute(root)
      let components = path.lexicallyNormalized().components
      guard path.lexicallyNormalized().starts(with: top) else {
        return (path.lastComponent?.string ?? "Dockerfile", path)
      }
      return (FilePath(root: nil, components.dropFirst(top.components.count)).string, nil)
    }
    let files = FileManager.default
    if !files.fileExists(atPath: root.appending(settings.dockerfile).string),
      files.fileExists(atPath: settings.dockerfile)
    {
      return (settings.dockerfile, path)
    }
    return (settings.dockerfile, nil)
  }

  private static func absolute(_ path: FilePath) -> FilePath {
    let here = FilePath(FileManager.default.currentDirectoryPath)
    return (path.isAbsolute ? path : here.appending(path.components)).lexicallyNormalized()
  }

  private static func isDirectory(_ path: FilePath) -> Bool {
    var isDirectory = ObjCBool(false)
    return FileManager.default.fileExists(atPath: path.string, isDirectory: &isDirectory) && isDirectory.boolValue
  }
}
