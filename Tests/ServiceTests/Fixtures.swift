import Diagnostics
import Foundation
import OCI
import Storage
import SystemPackage
import Testing

@testable import Service

/// Builds whose work the test itself decides: each waits until it is told how it ends.
actor Workshop {
  private var started: [String] = []
  private var waiting: [String: CheckedContinuation<Void, Never>] = [:]
  private var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
  private(set) var running = 0
  private(set) var mostRunning = 0

  /// Names of the builds in the order their work began.
  var order: [String] { started }

  /// One build's work: begins, and ends when `end` says so or it is cancelled.
  nonisolated func work(_ record: BuildRecord) async throws(Failure) -> FinishedBuild {
    await begin(record.name)
    await withTaskCancellationHandler {
      await wait(record.name)
    } onCancel: {
      Task { await self.end(record.name) }
    }
    await finish()
    guard !Task.isCancelled else { throw Failure(.cancelled, reason: "cancelled", "the build was cancelled") }
    return Self.built(record)
  }

  /// Work that ends when `end` says so and not before, cancelled or not.
  nonisolated func stubbornWork(_ record: BuildRecord) async -> FinishedBuild {
    await begin(record.name)
    await wait(record.name)
    await finish()
    return Self.built(record)
  }

  private static func built(_ record: BuildRecord) -> FinishedBuild {
    FinishedBuild(
      references: ["here/\(record.name)"], manifest: Digest(sha256Of: []), size: ByteCount(1), layers: 1, cachedSteps: 0
    )
  }

  /// Returns when that many builds have begun.
  func begun(_ count: Int) async {
    if started.count >= count { return }
    await withCheckedContinuation { watchers.append((count, $0)) }
  }

  func end(_ name: String) {
    if let continuation = waiting.removeValue(forKey: name) { continuation.resume() } else { ended.insert(name) }
  }

  private var ended: Set<String> = []

  private func begin(_ name: String) {
    started.append(name)
    running += 1
    mostRunning = max(mostRunning, running)
    for watcher in watchers where started.count >= watcher.count { watcher.continuation.resume() }
    watchers.removeAll { started.count >= $0.count }
  }

  private func wait(_ name: String) async {
    if ended.remove(name) != nil { return }
    await withCheckedContinuation { waiting[name] = $0 }
  }

  private func finish() { running -= 1 }
}

/// A data directory that is gone afterwards, with builds in it.
final class Shelf: Sendable {
  let data: DataDirectory
  let path: FilePath

  init() throws {
    path = FilePath(NSTemporaryDirectory()).appending("service-\(UUID().uuidString)")
    data = try DataDirectory.open(at: path, durability: .ephemeral)
  }

  deinit {
    data.close()
    try? FileManager.default.removeItem(atPath: path.string)
  }

  /// A build in the ledger, PENDING.
  func record(_ name: String, of organization: String = "dev", timeout: UInt64 = 0) throws -> BuildRecord {
    let record = BuildRecord(
      id: BuildID.make(at: data.clock.now()), organization: try OrganizationName(organization), name: name,
      dockerfile: "Dockerfile", tags: [.latest], buildArgs: [:], platform: .host, noCache: false,
      timeoutSeconds: timeout, source: .archive(Digest(sha256Of: []), context: nil), registry: "", repository: "",
      createdAt: data.clock.now())
    try data.ledger.insert(record)
    try data.events.append(.queued, to: record.id)
    return record
  }

  /// The build's row once its terminal event is written.
  func ended(_ record: BuildRecord) async throws -> BuildRecord {
    for try await _ in try data.events.events(of: record.id, from: 1, follow: true) {}
    return try #require(try data.ledger.build(record.id, of: record.organization))
  }

  /// What the build's events say so far.
  func events(_ record: BuildRecord) async throws -> [BuildEvent.Kind] {
    var kinds: [BuildEvent.Kind] = []
    for try await event in try data.events.events(of: record.id, from: 1, follow: false) { kinds.append(event.kind) }
    return kinds
  }

  /// Why the build waited, as it was told.
  func waits(_ record: BuildRecord) async throws -> [QueueWait] {
    try await events(record).compactMap { if case .waiting(let wait) = $0 { wait } else { nil } }
  }

  func status(_ record: BuildRecord) throws -> BuildStatus? {
    try data.ledger.build(record.id, of: record.organization)?.status
  }
}
