import Diagnostics
import FoundationEssentials
import OCI
import SystemPackage
import Testing

@testable import Storage

@Suite("A data directory's reset") struct DirectoryResetTests {
  private func filled(_ scratch: Scratch) throws -> DataDirectory {
    let data = try scratch.open()
    try data.ledger.insert(try record(organization()))
    try data.ledger.saveBuildSecrets(organization(), group: "buildSecrets", sealed: [1])
    let moment = Timestamp(milliseconds: 1)
    _ = try data.ledger.saveSecretSlot(
      SecretSlotRecord(
        organization: organization(), name: SecretSlotName("x"), type: .git, sealed: [1], createdAt: moment,
        updatedAt: moment), limit: 1)
    try data.ledger.setQueuePause(since: moment)
    try data.events.append(.queued, to: BuildID.make(at: Timestamp(milliseconds: 1)))
    let (made, other) = (try data.blobs.put([1, 2, 3]), try data.blobs.put([4]))
    let layer = LayerRecord(digest: made, diffID: other, size: ByteCount(3), mediaType: .ociLayer)
    try data.ledger.cacheLayers(
      [(Digest(sha256Of: [9]), MadeLayer(layer, madeAt: Timestamp(milliseconds: 1)))], of: organization())
    let context = try data.contexts.writer()
    try context.write([5])
    _ = try context.commit()
    for folder in ["cache/mounts", "git/x", "layers/y", "work/z", "what/later/versions/make"] {
      try data.root.appending(folder).makeDirectory()
      try data.root.appending(folder).appending("file").replaceContents(with: [7], durability: .ephemeral)
    }
    try data.root.appending("token").replaceContents(with: [8], durability: .ephemeral)
    try data.root.appending("seed.json").replaceContents(with: [8], durability: .ephemeral)
    return data
  }

  private func expectEmpty(_ data: DataDirectory, keepsCaches: Bool, _ comment: Comment) throws {
    #expect(try data.ledger.buildCount() == 0, comment)
    #expect(try data.ledger.buildSecrets(organization()).isEmpty, comment)
    #expect(try data.ledger.secretSlots(of: organization()).isEmpty, comment)
    #expect(try data.ledger.queuePausedAt() == nil, comment)
    #expect(try data.root.appending("builds").entries().isEmpty, comment)
    #expect(try data.root.appending("contexts").entries().isEmpty, comment)
    #expect(try data.root.appending("work").entries() == ["uploads"], comment)
    let names = Set(try data.root.entries())
    #expect(names.isDisjoint(with: ["reset", "what", "seed.json"]) && names.isSuperset(of: ["token", "key"]), comment)
    let cached = try data.ledger.cachedLayer(Digest(sha256Of: [9]), of: organization())
    #expect((cached != nil) == keepsCaches, comment)
    #expect(data.blobs.contains(Digest(sha256Of: [1, 2, 3])) == keepsCaches, comment)
    #expect(!data.blobs.contains(Digest(sha256Of: [4])), comment)
    #expect((data.root.appending("git/x/file").fileSize != nil) == keepsCaches, comment)
    #expect((data.root.appending("cache/mounts/file").fileSize != nil) == keepsCaches, comment)
  }

  @Test("leaves nothing that was told, keeps key, token and lock, and what makes builds quick when asked to")
  func reset() throws {
    for scope in ResetScope.allCases {
      let scratch = try Scratch()
      let data = try filled(scratch)
      try data.decideReset(scope)
      let empty = try data.reset()
      try expectEmpty(empty, keepsCaches: scope == .allButCaches, "\(scope)")
      #expect(empty.key == data.key)
      // The old opening promises nothing more, and nobody else came between.
      #expect(Failure.reason { _ = try data.ledger.buildCount() } == "data-directory-closed")
      #expect(Failure.reason { _ = try data.ledger.insert(try record(organization())) } == "data-directory-closed")
      #expect(Failure.reason { _ = try scratch.open() } == "data-directory-in-use")
      empty.close()
    }
  }

  @Test("a kill at whatever moment leaves everything or nothing")
  func killed() throws {
    for scope in ResetScope.allCases {
      // Before the decision.
      let before = try Scratch()
      try filled(before).close()
      #expect(try before.open().ledger.buildCount() == 1)
      // After it, with some of the files gone.
      for gone in [[], ["builds"], ["builds", "contexts", "layers"]] {
        let scratch = try Scratch()
        let data = try filled(scratch)
        try data.decideReset(scope)
        data.close()
        for name in gone { try FileTree.remove(data.root.appending(name)) }
        let next = try scratch.open()
        try expectEmpty(next, keepsCaches: scope == .allButCaches, "\(scope) without \(gone)")
        next.close()
      }
    }
  }

  @Test("a run file that a killed server left is gone as soon as another has the lock")
  func runFile() throws {
    let scratch = try Scratch()
    let first = try scratch.open()
    let file = RunFile(
      pid: 42, urls: .init(http: "h", grpc: "g"), ports: .init(http: 1, grpc: 2), version: "v",
      startedAt: Timestamp(milliseconds: 1))
    try first.writeRunFile(file)
    first.close()
    let second = try scratch.open()
    // Its number may be another program's by now: nobody may be told to kill that.
    #expect(DataDirectory.readRunFile(at: second.root) == nil)
    second.close()
  }
}
