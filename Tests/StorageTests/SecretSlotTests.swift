import Diagnostics
import Testing

@testable import Storage

@Suite("Secret slots") struct SecretSlotTests {
  private func slot(
    _ name: String, of owner: String = "acme", _ type: SecretSlotType = .git, sealed: [UInt8] = [1],
    at moment: Int64 = 1
  ) throws -> SecretSlotRecord {
    SecretSlotRecord(
      organization: try organization(owner), name: try SecretSlotName(name), type: type, sealed: sealed,
      createdAt: Timestamp(milliseconds: moment), updatedAt: Timestamp(milliseconds: moment))
  }

  @Test("are one of a name in an organisation, which keeps the moment it was made at")
  func rows() throws {
    let ledger = try Scratch().open().ledger
    let (acme, other) = (try organization(), try organization("other"))
    let name = try SecretSlotName("ghcr_Pull-1")
    #expect(try ledger.secretSlot(name, of: acme) == nil)
    _ = try ledger.saveSecretSlot(try slot("ghcr_Pull-1"), limit: 10)
    _ = try ledger.saveSecretSlot(try slot("a"), limit: 10)
    _ = try ledger.saveSecretSlot(try slot("a", of: "other", sealed: [9]), limit: 10)
    let again = try slot("ghcr_Pull-1", .registry, sealed: [2], at: 5)
    let saved = try #require(try ledger.saveSecretSlot(again, limit: 10))
    #expect(saved.type == .registry && saved.sealed == [2])
    #expect(saved.createdAt.milliseconds == 1 && saved.updatedAt.milliseconds == 5)
    #expect(try ledger.secretSlot(name, of: acme) == saved)
    #expect(try ledger.secretSlots(of: acme).map(\.name.name) == ["a", "ghcr_Pull-1"])
    try ledger.deleteSecretSlot(try SecretSlotName("a"), of: acme)
    try ledger.deleteSecretSlot(try SecretSlotName("a"), of: acme)
    #expect(try ledger.secretSlots(of: acme).map(\.name) == [name])
    #expect(try ledger.secretSlots(of: other).map(\.sealed) == [[9]])
  }

  @Test("a clock that went back never makes a change older than what it changes")
  func clock() throws {
    let ledger = try Scratch().open().ledger
    _ = try ledger.saveSecretSlot(try slot("a", at: 9), limit: 1)
    #expect(try ledger.saveSecretSlot(try slot("a", at: 3), limit: 1)?.updatedAt.milliseconds == 9)
  }

  @Test("beyond the limit none is added, and those that are there can be changed")
  func limit() throws {
    let ledger = try Scratch().open().ledger
    for name in ["a", "b"] { #expect(try ledger.saveSecretSlot(try slot(name), limit: 2) != nil) }
    #expect(try ledger.saveSecretSlot(try slot("c"), limit: 2) == nil)
    #expect(try ledger.saveSecretSlot(try slot("a", sealed: [7]), limit: 2)?.sealed == [7])
    #expect(try ledger.saveSecretSlot(try slot("c", of: "other"), limit: 2) != nil)
    #expect(try ledger.secretSlots(of: organization()).count == 2)
  }

  @Test(
    "have names of letters, digits, - and _",
    arguments: [
      ("a", true), (String(repeating: "Z", count: 64), true), ("A-b_9", true), ("-", true), ("", false),
      (String(repeating: "z", count: 65), false), ("a b", false), ("a/b", false), ("ä", false), ("a.b", false),
      ("a\n", false),
    ])
  func names(name: String, isValid: Bool) { #expect(((try? SecretSlotName(name)) != nil) == isValid) }
}
