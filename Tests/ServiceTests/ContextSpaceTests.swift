import Diagnostics
import Foundation
import OCI
import Storage
import SystemPackage
import Testing

@testable import Service

@Suite("What contexts may take") struct ContextSpaceTests {
  private let shelf: Shelf
  private let acme: OrganizationName
  private let other: OrganizationName

  init() throws {
    shelf = try Shelf()
    acme = try OrganizationName("acme")
    other = try OrganizationName("other")
  }

  private func space(
    own: Int64 = 100, total: Int64 = 150, open: Int = 2, openTotal: Int = 3
  ) -> ContextSpace {
    var limits = ContextLimits()
    limits.organization = ByteCount(own)
    limits.total = ByteCount(total)
    limits.open = open
    limits.openTotal = openTotal
    return ContextSpace(limits: limits, ledger: shelf.data.ledger, clock: .system)
  }

  private func keep(_ size: Int64, seed: UInt8, of organization: OrganizationName, until end: Int64 = .max) throws {
    let now = WallClock.system.now()
    try shelf.data.ledger.insert(
      ContextRecord(
        id: ContextID.make(at: now), organization: organization, name: "n", contentType: "",
        digest: Digest(sha256Of: [seed]), size: ByteCount(size), createdAt: now,
        expiresAt: Timestamp(milliseconds: end)))
  }

  private func reason(_ body: () throws(Failure) -> Void) -> String? {
    do throws(Failure) {
      try body()
      return nil
    } catch {
      return error.code == .resourceExhausted ? error.reason : "\(error)"
    }
  }

  @Test("bytes count while they are received, with those of other uploads, and are given back")
  func receiving() throws {
    let space = space()
    let first = try space.claim(for: acme, expecting: nil)
    let second = try space.claim(for: acme, expecting: nil)
    try first.take(60)
    try second.take(40)
    #expect(reason { () throws(Failure) in try second.take(1) } == "context-quota")
    first.end()
    first.end()
    try second.take(60)
    #expect(reason { () throws(Failure) in try second.take(1) } == "context-quota")
    // Another organisation has its own limit, and all together have one.
    let third = try space.claim(for: other, expecting: nil)
    try third.take(50)
    #expect(reason { () throws(Failure) in try third.take(1) } == "context-quota")
  }

  @Test("what is kept counts, equal content once, what expired not; what will not fit is refused before it is sent")
  func kept() throws {
    try keep(70, seed: 1, of: acme)
    try keep(70, seed: 1, of: acme)
    try keep(500, seed: 2, of: acme, until: 1)
    let space = space()
    let claim = try space.claim(for: acme, expecting: ByteCount(30))
    try claim.take(30)
    #expect(reason { () throws(Failure) in try claim.take(1) } == "context-quota")
    claim.end()
    #expect(
      reason { () throws(Failure) in _ = try space.claim(for: acme, expecting: ByteCount(31)) } == "context-quota")
    #expect(
      reason { () throws(Failure) in _ = try space.claim(for: acme, expecting: ByteCount(.max)) } == "context-quota")
    // One that ended meanwhile counts as what it left.
    let late = try space.claim(for: acme, expecting: nil)
    let early = try space.claim(for: acme, expecting: nil)
    try late.take(1)
    try keep(29, seed: 3, of: acme)
    early.end()
    #expect(reason { () throws(Failure) in try late.take(1) } == "context-quota")
  }

  @Test("uploads at a time are limited for each organisation and for all; one that is let go of makes room")
  func open() throws {
    let space = space()
    var mine = [try space.claim(for: acme, expecting: nil), try space.claim(for: acme, expecting: nil)]
    #expect(reason { () throws(Failure) in _ = try space.claim(for: acme, expecting: nil) } == "uploads-too-many")
    let theirs = try space.claim(for: other, expecting: nil)
    #expect(reason { () throws(Failure) in _ = try space.claim(for: other, expecting: nil) } == "uploads-too-many")
    mine.removeAll()
    _ = try space.claim(for: other, expecting: nil)
    theirs.end()
  }

  @Test("a context that just expired is not forgotten while a build may still have looked at it")
  func expiry() throws {
    let now = WallClock.system.now().milliseconds
    try keep(1, seed: 1, of: acme, until: now - 1000)
    try keep(1, seed: 2, of: acme, until: now - 3_600_000)
    try ContextExpiry(data: shelf.data).sweep()
    let left = try shelf.data.ledger.expiredContexts(at: Timestamp(milliseconds: .max))
    #expect(left.map(\.digest) == [Digest(sha256Of: [1])])
  }

  @Test("a log over its limit keeps everything but output, and says so once")
  func budget() {
    let budget = LogBudget(limit: ByteCount(10))
    let output = BuildEvent.Kind.output(step: 1, stream: .stdout, line: "x")
    #expect(budget.admitted([output, .stepStarted(step: 2)], size: ByteCount(9)) == [output, .stepStarted(step: 2)])
    #expect(budget.admitted([.stepStarted(step: 3)], size: ByteCount(10)) == [.stepStarted(step: 3)])
    let first = budget.admitted([output, output], size: ByteCount(10))
    #expect(first.count == 1)
    if case .warning(let text, _)? = first.first { #expect(text.contains("--log-limit")) } else { Issue.record() }
    #expect(budget.admitted([output, .stepStarted(step: 4)], size: ByteCount(11)) == [.stepStarted(step: 4)])
  }
}
