import Diagnostics
import OCI
import Storage

/// One collection, while pushes, pulls and builds go on.
///
/// Names go first and bytes last, in small transactions: a kill in between leaves bytes that nothing names, which the next
/// collection finds. What somebody was told is there stays for the grace, or until their hold ends (`BlobLeases`).
struct Collection {
  private static let batch = 256

  let registry: ImageRegistry
  let order: CollectionOrder
  private var doomed = Doomed()
  private var report = CollectionReport()
  /// Blobs that nothing names and that came or were asked for lately.
  private var waiting: Set<Digest> = []
  /// What nobody touched since may go.
  private let moment: Timestamp

  private var data: DataDirectory { registry.data }
  private var leases: BlobLeases { registry.data.blobs.leases }

  init(_ registry: ImageRegistry, _ order: CollectionOrder) {
    self.registry = registry
    self.order = order
    moment = Self.moment(order.grace, before: registry.data.clock.now())
    report.dryRun = order.isDry
    doomed.linkedSince = moment
  }

  mutating func run() throws(Failure) -> CollectionReport {
    report.uploads = registry.uploads.removeIdle(at: data.clock.now(), isDry: order.isDry)
    if let age = order.untagged { try dropUntagged(olderThan: age) }
    if let budget = order.pulled { try dropPulled(beyond: budget) }
    if let budget = order.steps { try dropSteps(beyond: budget) }
    try unlinkUnnamed()
    try removeUnkept()
    if !order.isDry { try removeFolders() }
    report.waiting = waiting.count
    return report
  }

  private static func moment(_ age: Duration, before now: Timestamp) -> Timestamp {
    Timestamp(milliseconds: now.milliseconds - Int64(age / .milliseconds(1)))
  }

  // MARK: Names

  /// An index goes before the manifests that only it names, which are found in the next round.
  private mutating func dropUntagged(olderThan age: Duration) throws(Failure) {
    let limit = Self.moment(age, before: data.clock.now())
    while true {
      let found = try data.ledger.untaggedManifests(before: limit, doomed)
      guard !found.isEmpty else { return }
      if order.isDry {
        doomed.manifests += found
        report.untagged += found.count
        continue
      }
      var removed = 0
      for start in stride(from: 0, to: found.count, by: Self.batch) {
        let some = Array(found[start..<min(start + Self.batch, found.count)])
        removed += try data.ledger.deleteUntagged(some, before: limit)
        registry.forget(some)
      }
      report.untagged += removed
      // What was found and stays has got a tag meanwhile.
      guard removed > 0 else { return }
    }
  }

  /// An image's age is when a build last used it. Content that two of them share counts once, for the younger.
  private mutating func dropPulled(beyond budget: ByteCount) throws(Failure) {
    let blobs = data.blobs
    let images = try data.ledger.pulledManifests()
      .map { (image: $0, used: blobs.lastUse(of: $0.name.digest) ?? Timestamp(milliseconds: 0)) }
      .sorted { $0.used > $1.used }
    var seen: Set<Digest> = []
    var total: Int64 = 0
    for (image, _) in images {
      for digest in image.content where seen.insert(digest).inserted { total += blobs.size(of: digest)?.bytes ?? 0 }
      guard total > budget.bytes, leases.free(image.content, untouchedSince: moment).count == image.content.count
      else { continue }
      report.pulled += 1
      guard !order.isDry else {
        doomed.manifests.append(image.name)
        continue
      }
      try registry.dropManifest(image.name)
    }
    // The repository's names of the blobs are as old as the pull; nobody pushes a manifest to go with them.
  }

  private mutating func dropSteps(beyond budget: ByteCount) throws(Failure) {
    let blobs = data.blobs
    let layers = try data.ledger.layersOfSteps()
      .map { (digest: $0, used: blobs.lastUse(of: $0) ?? Timestamp(milliseconds: 0)) }
      .sorted { $0.used > $1.used }
    var total: Int64 = 0
    var dropped: [Digest] = []
    for (digest, _) in layers {
      total += blobs.size(of: digest)?.bytes ?? 0
      if total > budget.bytes { dropped.append(digest) }
    }
    dropped = leases.free(dropped, untouchedSince: moment)
    report.steps = dropped.count
    if order.isDry { doomed.steps = dropped } else { try data.ledger.forgetLayers(dropped) }
  }

  /// Takes blobs out of repositories where no manifest names them.
  private mutating func unlinkUnnamed() throws(Failure) {
    // Young ones are looked at too, to be told of.
    var all = doomed
    all.linkedSince = Timestamp(milliseconds: .max)
    var last: ManifestName?
    while true {
      let page = try data.ledger.unnamedBlobs(after: last, limit: Self.batch, all)
      guard let end = page.last else { return }
      last = end
      for (repository, names) in Dictionary(grouping: page, by: \.repository) {
        let digests = names.map(\.digest)
        guard !order.isDry else {
          waiting.formUnion(try data.ledger.linked(digests, to: repository, since: moment))
          continue
        }
        waiting.formUnion(digests)
        let free = leases.retire(digests, in: repository, untouchedSince: moment)
        defer { leases.restore(free, in: repository) }
        for digest in try data.ledger.unlinkUnnamed(free, from: repository, doomed) {
          registry.cache.forgetBlob(digest, in: repository)
          waiting.remove(digest)
        }
      }
    }
  }

  // MARK: Bytes

  private mutating func removeUnkept() throws(Failure) {
    let digests = try data.blobs.digests()
    // Whatever still names a blob keeps it now; a dry run asks what would.
    let reasons = order.isDry ? doomed : Doomed()
    for start in stride(from: 0, to: digests.count, by: Self.batch) {
      let some = Array(digests[start..<min(start + Self.batch, digests.count)])
      let unkept = try data.ledger.unkept(some, reasons)
      if order.isDry { count(unkept) } else { try remove(unkept) }
    }
  }

  private mutating func count(_ digests: [Digest]) {
    let free = leases.free(digests, untouchedSince: moment)
    waiting.formUnion(Set(digests).subtracting(free))
    report.blobs += free.count
    report.bytes.bytes += free.reduce(0) { $0 + (data.blobs.size(of: $1)?.bytes ?? 0) }
  }

  private mutating func remove(_ digests: [Digest]) throws(Failure) {
    let marked = leases.retire(digests, untouchedSince: moment)
    defer { leases.restore(marked) }
    waiting.formUnion(Set(digests).subtracting(marked))
    guard !marked.isEmpty else { return }
    // Asked again: a name that came before the mark keeps it, and after the mark none can come.
    let unkept = try data.ledger.unkept(marked, Doomed())
    for digest in unkept {
      guard let size = try data.blobs.collect(digest, unpacked: registry.unpacked(digest)) else { continue }
      report.blobs += 1
      report.bytes.bytes += size.bytes
    }
    try data.ledger.forgetUnnamedLayers(unkept)
  }

  /// Layers that are still unpacked and whose blob went earlier, as by a kill.
  private func removeFolders() throws(Failure) {
    for digest in try data.unpackedLayers() where !data.blobs.contains(digest) {
      let marked = leases.retire([digest], untouchedSince: moment)
      defer { leases.restore(marked) }
      for digest in marked { try data.removeUnpackedLayer(digest) }
    }
  }
}
