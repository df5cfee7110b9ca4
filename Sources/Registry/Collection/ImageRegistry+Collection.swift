import Diagnostics
import OCI
import Storage
import Synchronization
import SystemPackage

extension ImageRegistry {
  /// Takes away what nothing names, and what the order says beyond. Blocks; others go on meanwhile. Throws
  /// `collection-under-way` while another runs.
  package func collect(_ order: CollectionOrder) throws(Failure) -> CollectionReport {
    let mayBegin = collecting.withLock { isBusy in
      defer { isBusy = true }
      return !isBusy
    }
    guard mayBegin else {
      throw Failure(
        .aborted, reason: "collection-under-way", "another collection is under way", hint: "try again in a moment")
    }
    defer { collecting.withLock { $0 = false } }
    var collection = Collection(self, order)
    let report = try collection.run()
    if !order.isDry { layout.write() }
    return report
  }

  /// Makes room for a build where the disk is nearly full: first what nothing names; then what can be had again, the longest
  /// unused first, until there is enough. Nil when there is room.
  package func makeRoom() throws(Failure) -> CollectionReport? {
    guard let missing = data.missingSpace else { return nil }
    var report: CollectionReport
    do throws(Failure) { report = try collect(CollectionOrder()) } catch {
      // Somebody else makes room already.
      guard error.reason == "collection-under-way" else { throw error }
      return nil
    }
    let rest = missing.bytes - report.bytes.bytes
    guard rest > 0 else { return report }
    var order = CollectionOrder()
    order.pulled = ByteCount(max(0, try pulledSize() - rest))
    let pulled = try collect(order)
    report.add(pulled)
    let last = rest - pulled.bytes.bytes
    guard last > 0 else { return report }
    order.steps = ByteCount(max(0, try stepsSize() - last))
    report.add(try collect(order))
    return report
  }

  private func pulledSize() throws(Failure) -> Int64 {
    let content = Set(try data.ledger.pulledManifests().flatMap(\.content))
    return content.reduce(0) { $0 + (data.blobs.size(of: $1)?.bytes ?? 0) }
  }

  private func stepsSize() throws(Failure) -> Int64 {
    try data.ledger.layersOfSteps().reduce(0) { $0 + (data.blobs.size(of: $1)?.bytes ?? 0) }
  }

  /// Reads every blob again, at most `rate` bytes a second, and sets aside those whose bytes are wrong: who asks for one is
  /// told that it is not there, and pushing it again heals it. Blocks.
  package func scrub(rate: ByteCount = .mebibytes(256)) throws(Failure) -> ScrubReport {
    var report = ScrubReport()
    report.healed = try data.blobs.healed().healed.map(\.description)
    var pace = Pace(rate: rate)
    for digest in try data.blobs.digests() {
      let flaw = try data.blobs.flaw(of: digest) { (count) throws(Failure) in
        report.bytes.bytes += Int64(count)
        try pace.wait(after: count)
      }
      report.blobs += 1
      guard let flaw, try data.blobs.setAside(flaw) else { continue }
      report.broken.append(.init(digest: digest.description, cause: flaw.found))
      cache.forgetEverything()
    }
    let now = Set(report.broken.map(\.digest))
    report.missing = try data.blobs.healed().broken.map(\.description).filter { !now.contains($0) }
    return report
  }

  /// Says that a build uses the manifest, so that others go before it when space is short.
  package func used(_ manifest: StoredManifest) { _ = data.blobs.keep(manifest.digest) }

  func dropManifest(_ name: ManifestName) throws(Failure) {
    let tags = try data.ledger.deleteManifest(name.digest, in: name.repository)
    cache.forget([.digest(name.digest)] + (tags ?? []).map { .tag($0) }, in: name.repository)
    layout.changed()
  }

  func forget(_ manifests: [ManifestName]) {
    for manifest in manifests { cache.forget([.digest(manifest.digest)], in: manifest.repository) }
  }

  func unpacked(_ digest: Digest) -> FilePath { data.path(.layers).appending(digest.folderName) }
}

extension CollectionReport {
  mutating func add(_ other: CollectionReport) {
    untagged += other.untagged
    pulled += other.pulled
    steps += other.steps
    uploads += other.uploads
    blobs += other.blobs
    bytes = ByteCount(bytes.bytes + other.bytes.bytes)
    waiting = other.waiting
  }
}
