import Archive
import Diagnostics
import Foundation
import Synchronization
import SystemPackage
import TestSupport

@testable import Git

/// A repository made by git, in a folder of the test.
struct SampleRepository {
  let folder: String
  let git: Tool

  init(_ folder: String, format: String = "sha1", branch: String = "main") async throws {
    self.folder = folder
    git = try Tool("git")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try await run("init", "-q", "-b", branch, "--object-format=\(format)", ".")
  }

  @discardableResult
  func run(_ arguments: String..., in place: String? = nil) async throws -> String {
    let environment = [
      "GIT_CONFIG_NOSYSTEM": "1", "HOME": folder, "GIT_AUTHOR_NAME": "Tess", "GIT_AUTHOR_EMAIL": "tess@example.org",
      "GIT_COMMITTER_NAME": "Tess", "GIT_COMMITTER_EMAIL": "tess@example.org",
      "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000", "GIT_ALLOW_PROTOCOL": "file",
    ]
    let result = try await git.run(arguments, environment: environment, in: place ?? folder)
    guard result.status == 0 else { throw Broken(text: "git \(arguments): \(result.all)") }
    return result.output.trimmingCharacters(in: .newlines)
  }

  struct Broken: Error { var text: String }

  func write(_ text: String, to path: String) throws {
    let url = URL(fileURLWithPath: "\(folder)/\(path)")
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// Commits everything there is and gives the commit's id.
  @discardableResult
  func commit(_ message: String = "more") async throws -> String {
    try await run("add", "-A")
    try await run("commit", "-q", "--allow-empty", "-m", message)
    return try await run("rev-parse", "HEAD")
  }
}

/// A repository of this machine with the manners of a server: it may refuse filters and wants by name, and counts.
final class RecordingRemote: GitRemote {
  struct Manners: Sendable {
    var filters = true
    var anyWant = true
    /// Claims to serve any want, and refuses.
    var liesAboutWants = false
    /// Serves this commit, whatever is asked for.
    var delivers: ObjectID?
  }

  private let inner: LocalRepository
  private let manners: Manners
  private let log: Mutex<[FetchRequest]>

  init(_ path: String, _ manners: Manners = Manners()) throws(Failure) {
    inner = try LocalRepository(path: FilePath(path))
    self.manners = manners
    log = Mutex([])
  }

  var requests: [FetchRequest] { log.withLock { $0 } }

  func abilities() async throws(Failure) -> RemoteAbilities {
    var abilities = try await inner.abilities()
    abilities.filters = manners.filters
    abilities.anyWant = manners.anyWant || manners.liesAboutWants
    return abilities
  }

  func references(prefixes: [String]) async throws(Failure) -> [RemoteReference] {
    try await inner.references(prefixes: prefixes)
  }

  func fetch(
    _ request: FetchRequest, bases: any ObjectSource, into sink: any PackSink,
    progress: @Sendable (GitProgress) throws(Failure) -> Void
  ) async throws(Failure) -> [ObjectID] {
    log.withLock { $0.append(request) }
    if !manners.anyWant || manners.liesAboutWants {
      let tips = Set(try await inner.references(prefixes: []).flatMap { [$0.id] + ($0.peeled.map { [$0] } ?? []) })
      guard request.wants.allSatisfy(tips.contains) else {
        throw Failure(.notFound, reason: "git-want-refused", "remote refuses the object asked for")
      }
    }
    var request = request
    if let other = manners.delivers { request.wants = [other] }
    return try await inner.fetch(request, bases: bases, into: sink, progress: progress)
  }
}

/// A store and what reaches the repositories of one test; addresses stand for folders of the test.
struct FetchBench {
  let folder: TemporaryFolder
  let store: GitStore
  let fetcher: GitFetcher
  let remotes: Remotes

  /// The remotes connected to so far, and the manners of those to come.
  final class Remotes: Sendable {
    private let state = Mutex<(manners: RecordingRemote.Manners, connected: [RecordingRemote])>((.init(), []))
    private let credentials = Mutex<[String]>([])
    private let asked = Mutex<[String]>([])
    /// Of the repositories connected to, in order.
    var addresses: [String] { asked.withLock { $0 } }
    func note(_ address: GitAddress) { asked.withLock { $0.append(address.url) } }
    func behave(_ manners: RecordingRemote.Manners) { state.withLock { $0.manners = manners } }
    func connect(_ path: String) throws(Failure) -> RecordingRemote {
      let remote = try RecordingRemote(path, state.withLock { $0.manners })
      state.withLock { $0.connected.append(remote) }
      return remote
    }
    var requests: [FetchRequest] { state.withLock { $0.connected.flatMap(\.requests) } }
    func note(_ host: String) { credentials.withLock { $0.append(host) } }
    var hostsWithCredentials: [String] { credentials.withLock { $0 } }
  }

  init(_ folder: TemporaryFolder, budget: ByteCount = .mebibytes(100), limits: GitLimits = GitLimits()) throws {
    self.folder = folder
    let store = try GitStore(folder: FilePath(folder.path("store")), budget: budget)
    let remotes = Remotes()
    self.store = store
    self.remotes = remotes
    fetcher = GitFetcher(store: store, limits: limits) { address, credentials, _ throws(Failure) in
      remotes.note(address)
      if credentials != nil { remotes.note(address.host ?? "") }
      return try remotes.connect(folder.path + address.path.replacing(".git", with: ""))
    }
  }

  func order(
    _ reference: String = "", directory: String = "", scope: String = "acme", repository: String = "one",
    submodules: Bool = false, keepsGit: Bool = false
  ) throws -> GitTreeOrder {
    GitTreeOrder(
      address: try GitAddress(parsing: "https://git.example.org/\(repository).git"), reference: reference,
      directory: directory, credentials: GitCredentials(username: "tess", password: "hush"), scope: scope,
      includesSubmodules: submodules, keepsGitDirectory: keepsGit)
  }

  func tree(_ order: GitTreeOrder) async throws -> FetchedTree {
    try await fetcher.tree(order) { _ throws(Failure) in }
  }

  func checkOut(_ order: GitTreeOrder, into name: String) async throws -> CheckedOut {
    try await fetcher.checkOut(order, into: FilePath(folder.path(name))) { _ throws(Failure) in }
  }
}

extension FetchedTree {
  var paths: [String] { index.entries.map { $0.entry.path.string } }

  func text(_ path: String) throws -> String? {
    guard let entry = index.entries.first(where: { $0.entry.path.string == path }) else { return nil }
    return String(decoding: try index.body(of: entry).contents(limit: .mebibytes(16)), as: UTF8.self)
  }
}
