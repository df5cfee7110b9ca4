import Diagnostics
import Gateway
import Synchronization
import SystemPackage

/// How far the seed is, for whoever asks whether the house is ready.
final class SeedBoard: Sendable {
  let items: [SeedItem]
  private let results = Mutex<[String: SeedResult]>([:])

  /// Nil `folder` is no seed.
  init(folder: FilePath?) throws(Failure) { items = try folder.map { path throws(Failure) in try SeedItem.all(in: path) } ?? [] }

  func set(_ result: SeedResult) { results.withLock { $0[result.name] = result } }

  /// After a reset everything is to be done again.
  func forget() { results.withLock { $0 = [:] } }

  /// Until these are done the house is not what it was told to be.
  var unfinished: [Readiness.Part] {
    let known = results.withLock { $0 }
    return items.filter { known[$0.name] == nil }.map {
      Readiness.Part(name: "seed/\($0.name)", ok: false, detail: "not applied yet")
    }
  }

  /// One that failed is told, and keeps nobody from working with the rest.
  var finished: [Readiness.Part] {
    let known = results.withLock { $0 }
    return items.compactMap { known[$0.name] }.map {
      Readiness.Part(name: "seed/\($0.name)", ok: $0.ok, detail: $0.detail)
    }
  }
}

extension SeedResult {
  var warning: String { "seed \(name): \(detail)" }
}
