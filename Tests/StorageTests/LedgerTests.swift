import Diagnostics
import GRDB
import OCI
import SystemPackage
import Testing

@testable import Storage

@Suite struct LedgerTests {
  @Test("a build comes back as it was saved, for its own organisation only, also after a reopening")
  func roundTrip() throws {
    let scratch = try Scratch()
    let data = try scratch.open(.durable)
    let build = try record(organization())
    try data.ledger.insert(build)
    #expect(try data.ledger.build(build.id, of: organization()) == build)
    #expect(try data.ledger.build(build.id, of: organization("other")) == nil)
    #expect(Failure.reason { try data.ledger.insert(build) } == "row-exists")
    data.close()
    #expect(try scratch.open(.durable).ledger.build(build.id, of: organization()) == build)
  }

  @Test("a build from git comes back as it was saved, and with its commit once that is known")
  func git() throws {
    let scratch = try Scratch()
    let data = try scratch.open(.durable)
    for (reference, directory) in [("refs/pull/7/head", "web/app"), ("", "")] {
      var build = try record(organization())
      let source = GitBuildSource(url: "https://h/x.git", reference: reference, directory: directory)
      build.source = .git(source)
      try data.ledger.insert(build)
      #expect(try data.ledger.build(build.id, of: organization()) == build)
      let commit = String(repeating: "a", count: 40)
      try data.ledger.setCommit(commit, of: build.id)
      build.source = .git(
        GitBuildSource(url: "https://h/x.git", reference: reference, directory: directory, commit: commit))
      #expect(try data.ledger.build(build.id, of: organization()) == build)
    }
    let archive = try record(organization())
    try data.ledger.insert(archive)
    try data.ledger.setCommit("x", of: archive.id)
    #expect(try data.ledger.build(archive.id, of: organization()) == archive)
    #expect(try data.ledger.contextDigestsInUse().count == 1)
    data.close()
    #expect(try scratch.open(.durable).ledger.builds(of: organization(), limit: 9).count == 3)
  }

  @Test("a ledger of the first version opens with its builds, and takes builds from git")
  func old() throws {
    let scratch = try Scratch()
    let folder = scratch.path.appending("data")
    try folder.makeDirectory()
    let queue = try DatabaseQueue(path: folder.appending("ledger.sqlite").string)
    try queue.write { db in try db.execute(sql: OldLedger.text) }
    try queue.close()
    let data = try scratch.open(.durable)
    let builds = try data.ledger.builds(of: organization("dev"), limit: 9)
    #expect(builds.map(\.name) == ["bad", "app"] && builds.map(\.status) == [.failed, .succeeded])
    #expect(builds[0].failure?.reason == "base-image-unknown")
    guard case .archive(let digest, nil) = builds[1].source else {
      Issue.record("\(builds[1].source)")
      return
    }
    #expect(digest.description.hasPrefix("sha256:57eef60a"))
    var build = try record(organization("dev"))
    build.source = .git(GitBuildSource(url: "https://h/x.git", reference: "", directory: ""))
    try data.ledger.insert(build)
    #expect(try data.ledger.build(build.id, of: organization("dev")) == build)
  }

  @Test("a durable ledger syncs every commit, an ephemeral one none")
  func synchronous() throws {
    for (durability, level) in [(Durability.durable, 2), (.ephemeral, 0)] {
      let data = try Scratch().open(durability)
      let found = try data.ledger.write("asking") { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
      #expect(found == level)
    }
  }

  @Test("a build's state moves forwards only, and a terminal one never")
  func transitions() throws {
    let ledger = try Scratch().open().ledger
    let now = Timestamp(milliseconds: 5)
    let build = try record(organization())
    try ledger.insert(build)
    #expect(try ledger.finish(build.id, status: .succeeded, at: now) == false)
    #expect(try ledger.finish(build.id, status: .running, at: now) == false)
    #expect(try ledger.markRunning(build.id, at: now))
    #expect(try ledger.markRunning(build.id, at: now) == false)
    let metrics = BuildMetrics(durationMilliseconds: 9, imageSize: ByteCount(10), layerCount: 2, cacheUsed: true)
    #expect(
      try ledger.finish(
        build.id,
        status: .succeeded,
        references: ["r/acme/app:v1"],
        manifest: Digest(sha256Of: [2]),
        metrics: metrics,
        at: Timestamp(milliseconds: 14)
      )
    )
    let failure = Failure(.internal, reason: "late", "too late")
    #expect(try ledger.finish(build.id, status: .failed, failure: failure, at: now) == false)
    #expect(try ledger.finish(build.id, status: .cancelled, at: now) == false)
    let found = try #require(try ledger.build(build.id, of: organization()))
    #expect(found.status == .succeeded && found.failure == nil && found.metrics == metrics)
    #expect(found.startedAt == now && found.completedAt == Timestamp(milliseconds: 14))
    #expect(found.imageReferences == ["r/acme/app:v1"] && found.manifest == Digest(sha256Of: [2]))
  }

  @Test("no other move of a build's state is made", arguments: BuildStatus.allCases, BuildStatus.allCases)
  func moves(from: BuildStatus, to: BuildStatus) throws {
    let ledger = try Scratch().open().ledger
    let now = Timestamp(milliseconds: 5)
    let build = try record(organization())
    try ledger.insert(build)
    if from != .pending, from != .cancelled { #expect(try ledger.markRunning(build.id, at: now)) }
    if from.isTerminal { #expect(try ledger.finish(build.id, status: from, at: now)) }
    let allowed: Set<[BuildStatus]> = [
      [.pending, .running], [.pending, .cancelled], [.running, .succeeded], [.running, .failed],
      [.running, .cancelled],
    ]
    let hasMoved =
      try to == .running ? ledger.markRunning(build.id, at: now) : ledger.finish(build.id, status: to, at: now)
    #expect(hasMoved == allowed.contains([from, to]))
    #expect(try ledger.build(build.id, of: organization())?.status == (hasMoved ? to : from))
    // The image's commit is a way to SUCCEEDED too, and no other.
    if !hasMoved, from != .running {
      #expect(Failure.reason { try commit(build, ledger) } == "cancelled")
      #expect(try ledger.build(build.id, of: organization())?.status == from)
      #expect(try ledger.tags(of: Repository("acme/app"), limit: 9).isEmpty)
    }
  }

  @Test("a build succeeds in the transaction that moves its tags")
  func completion() throws {
    let ledger = try Scratch().open().ledger
    let build = try record(organization())
    try ledger.insert(build)
    #expect(try ledger.markRunning(build.id, at: Timestamp(milliseconds: 1_699_999_999_000)))
    try commit(build, ledger)
    let found = try #require(try ledger.build(build.id, of: organization()))
    #expect(
      found.status == .succeeded && found.manifest == Digest(sha256Of: [7])
        && found.imageReferences == ["r/acme/app:v1"])
    #expect(
      found.metrics
        == BuildMetrics(durationMilliseconds: 1000, imageSize: ByteCount(10), layerCount: 2, cacheUsed: true))
    #expect(try ledger.tags(of: Repository("acme/app"), limit: 9).map(\.tag.name) == ["v1"])
  }

  private func commit(_ build: BuildRecord, _ ledger: Ledger) throws {
    let row = ManifestRow(
      repository: try Repository("acme/app"), digest: Digest(sha256Of: [7]), mediaType: .ociManifest,
      size: ByteCount(1), pushedAt: Timestamp(milliseconds: 9))
    try ledger.putManifest(
      row, blobs: [], tags: [Tag("v1")],
      completing: BuildCompletion(
        id: build.id, references: ["r/acme/app:v1"], imageSize: ByteCount(10), layerCount: 2, cacheUsed: true,
        clock: .fixed))
  }

  @Test("every question about builds is answered by an index, however many there are")
  func plans() throws {
    let ledger = try Scratch().open().ledger
    let questions: [(sql: String, index: String)] = [
      (BuildQuery.page(byStatus: false, after: false), "builds_by_organization (organization=?)"),
      (BuildQuery.page(byStatus: false, after: true), "builds_by_organization (organization=? AND id<?)"),
      (BuildQuery.page(byStatus: true, after: false), "builds_by_status (organization=? AND status=?)"),
      (BuildQuery.page(byStatus: true, after: true), "builds_by_status (organization=? AND status=? AND id<?)"),
      (BuildQuery.lastCompleted, "builds_by_completion"), (BuildQuery.unfinished, "builds_unfinished"),
      (BuildQuery.contextsInUse, "builds_unfinished"),
    ]
    for (sql, index) in questions {
      let plan = try ledger.read("explaining") { db in
        let parameters = StatementArguments(sql.filter { $0 == "?" }.map { _ in 1 })
        return try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + sql, arguments: parameters).map {
          $0["detail"] as String
        }
      }
      #expect(plan.contains { $0.contains("INDEX \(index)") }, "\(sql): \(plan)")
      let isSorted = plan.contains { $0.contains("TEMP B-TREE FOR ORDER BY") }
      #expect(!isSorted, "\(sql): \(plan)")
      #expect(!plan.contains("SCAN builds"), "\(sql): \(plan)")
    }
  }

  @Test("the queue's pause is remembered until it ends")
  func pause() throws {
    let scratch = try Scratch()
    let data = try scratch.open(.durable)
    #expect(try data.ledger.queuePausedAt() == nil)
    try data.ledger.setQueuePause(since: Timestamp(milliseconds: 7))
    try data.ledger.setQueuePause(since: Timestamp(milliseconds: 8))
    data.close()
    let again = try scratch.open(.durable)
    #expect(try again.ledger.queuePausedAt() == Timestamp(milliseconds: 8))
    try again.ledger.setQueuePause(since: nil)
    #expect(try again.ledger.queuePausedAt() == nil)
  }

  @Test("a failure is kept whole, with its excerpt")
  func failure() throws {
    let ledger = try Scratch().open().ledger
    let build = try record(organization())
    try ledger.insert(build)
    #expect(try ledger.markRunning(build.id, at: Timestamp(milliseconds: 0)))
    let failure = Failure(
      .invalidArgument,
      reason: "r",
      "m",
      source: SourceExcerpt(file: "Dockerfile", text: "a\nb", lines: 1...1),
      hint: "h",
      cause: "c"
    )
    #expect(try ledger.finish(build.id, status: .failed, failure: failure, at: Timestamp(milliseconds: 1)))
    #expect(try ledger.build(build.id, of: organization())?.failure == failure)
  }

  @Test("pages of builds are newest first and do not shift when builds begin meanwhile")
  func pages() throws {
    let ledger = try Scratch().open().ledger
    let acme = try organization()
    var ids: [BuildID] = []
    for number in 0..<25 {
      let build = try record(acme, at: 1_000 + Int64(number))
      try ledger.insert(build)
      if number % 2 == 0 { #expect(try ledger.markRunning(build.id, at: build.createdAt)) }
      ids.append(build.id)
      try ledger.insert(try record(organization("other"), at: 1_000 + Int64(number)))
    }
    var seen: [BuildID] = []
    var cursor: BuildID?
    repeat {
      let page = try ledger.builds(of: acme, after: cursor, limit: 10)
      seen += page.map(\.id)
      cursor = page.last?.id
      try ledger.insert(try record(acme, at: 5_000))
    } while cursor != nil
    #expect(seen == ids.reversed())
    #expect(try ledger.buildCount() == 54)
    #expect(try ledger.buildCount(upTo: 10) == 10)
    let running = try ledger.builds(of: acme, status: .running, limit: 100).map(\.id)
    #expect(running == stride(from: 24, through: 0, by: -2).map { ids[$0] })
    #expect(try ledger.unfinishedBuilds().prefix(2).map(\.createdAt.milliseconds) == [1_000, 1_000])
  }

  @Test("ids made in one millisecond are in the order in which they were made")
  func identifiers() {
    let moment = Timestamp(milliseconds: 1_700_000_000_123)
    let ids = (0..<2000).map { _ in BuildID.make(at: moment) }
    #expect(Set(ids).count == 2000 && BuildID(ids[0].text) == ids[0])
    // Other tests make ids of other moments meanwhile, after which a millisecond begins anew.
    let inversions = zip(ids, ids.dropFirst()).count { $1 < $0 }
    #expect(inversions < 20, "\(inversions)")
    let later = BuildID.make(at: Timestamp(milliseconds: 1_700_000_000_124))
    #expect(ids.allSatisfy { $0 < later })
  }

  @Test("an expired context is found, and its archive stays in use while an unfinished build is made from it")
  func contexts() throws {
    let ledger = try Scratch().open().ledger
    let acme = try organization()
    let moment = Timestamp(milliseconds: 10)
    let context = ContextRecord(
      id: ContextID.make(at: moment),
      organization: acme,
      name: "n",
      contentType: "application/x-tar",
      digest: Digest(sha256Of: [9]),
      size: ByteCount(3),
      createdAt: moment,
      expiresAt: Timestamp(milliseconds: 20)
    )
    try ledger.insert(context)
    #expect(try ledger.context(context.id, of: acme) == context)
    #expect(try ledger.context(context.id, of: organization("other")) == nil)
    #expect(try ledger.expiredContexts(at: Timestamp(milliseconds: 19)).isEmpty)
    #expect(try ledger.expiredContexts(at: Timestamp(milliseconds: 20)) == [context])
    let build = try record(acme)
    try ledger.insert(build)
    #expect(try ledger.contextDigestsInUse() == [Digest(sha256Of: [9]), Digest(sha256Of: [1])])
    try ledger.deleteContext(context.id)
    #expect(try ledger.finish(build.id, status: .cancelled, at: moment))
    #expect(try ledger.contextDigestsInUse().isEmpty)
  }

  @Test("the step cache keeps the last layer of a key, per organisation")
  func stepCache() throws {
    let ledger = try Scratch().open().ledger
    let acme = try organization()
    let key = Digest(sha256Of: [1])
    let layer = LayerRecord(
      digest: Digest(sha256Of: [2]),
      diffID: Digest(sha256Of: [3]),
      size: ByteCount(4),
      mediaType: .ociLayerGzip
    )
    let made = MadeLayer(layer, madeAt: Timestamp(milliseconds: 1))
    #expect(try ledger.cachedLayer(key, of: acme) == nil)
    try ledger.cacheLayers([(key, made)], of: acme)
    #expect(try ledger.cachedLayer(key, of: acme) == made)
    #expect(try ledger.cachedLayer(key, of: organization("other")) == nil)
    let other = MadeLayer(
      LayerRecord(
        digest: Digest(sha256Of: [5]), diffID: layer.diffID, size: layer.size, mediaType: layer.mediaType),
      madeAt: Timestamp(milliseconds: 2))
    try ledger.cacheLayers([(key, other), (Digest(sha256Of: [6]), made)], of: acme)
    #expect(try ledger.cachedLayer(key, of: acme) == other)
    #expect(try ledger.cachedLayer(Digest(sha256Of: [6]), of: acme) == made)
  }

  @Test("layers whose blobs are gone are forgotten with the steps that made them")
  func goneLayers() throws {
    let ledger = try Scratch().open().ledger
    let acme = try organization()
    let layers = (1...3).map { number in
      LayerRecord(
        digest: Digest(sha256Of: [number]), diffID: Digest(sha256Of: [number, 0]), size: ByteCount(1),
        mediaType: .ociLayerGzip)
    }
    let made = layers.map { MadeLayer($0, madeAt: Timestamp(milliseconds: 1)) }
    try ledger.cacheLayers(made.map { (key: $0.layer.diffID, made: $0) }, of: acme)
    #expect(Set(try ledger.cachedLayerDigests()) == Set(layers.map(\.digest)))
    try ledger.forgetLayers([layers[1].digest])
    #expect(try layers.map { try ledger.cachedLayer($0.diffID, of: acme) } == [made[0], nil, made[2]])
  }

  @Test("of what went into steps the latest is kept, for each name and for all")
  func oldStepInputs() throws {
    let ledger = try Scratch().open().ledger
    let acme = try organization()
    func save(_ ordinals: [Int], of name: String) throws {
      let steps = ordinals.map { ordinal in
        StepInputs(
          place: StepInputs.Place(stage: "s", ordinal: ordinal), key: Digest(sha256Of: [1]), build: "b",
          parts: Array("{}".utf8))
      }
      try ledger.saveStepInputs(steps, ofBuilds: name, of: acme, keeping: 3)
    }
    func kept(_ name: String) throws -> [Int] {
      try ledger.stepInputs(ofBuilds: name, of: acme).map(\.place.ordinal).sorted()
    }
    try save([1, 2, 3], of: "app")
    try save([1], of: "other")
    try save([1, 4], of: "app")
    #expect(try kept("app") == [1, 3, 4])
    #expect(try kept("other") == [1])
    try ledger.forgetOldStepInputs(keeping: 2)
    #expect(try kept("app") == [1, 4])
    #expect(try kept("other") == [])
  }

  @Test("secrets are replaced by group, and being asked changes nothing")
  func secrets() throws {
    let ledger = try Scratch().open().ledger
    let acme = try organization()
    try ledger.saveBuildSecrets(acme, group: "a", sealed: [1])
    try ledger.saveBuildSecrets(acme, group: "b", sealed: [2])
    try ledger.saveBuildSecrets(acme, group: "a", sealed: [3])
    #expect(try ledger.buildSecrets(acme) == ["a": [3], "b": [2]])
    #expect(try ledger.buildSecrets(organization("other")).isEmpty)
    try ledger.checkWritable()
  }
}
