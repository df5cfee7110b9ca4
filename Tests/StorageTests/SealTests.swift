import Diagnostics
import Storage
import Testing

@Suite struct SealTests {
  private let seal = Seal(key: [UInt8](repeating: 7, count: 32))

  @Test("what was sealed opens to the same bytes, and no two seals are alike")
  func roundTrip() throws {
    for plain in [[], Array("secret".utf8), [UInt8](repeating: 1, count: 100_000)] {
      let sealed = try seal.seal(plain, context: "a")
      #expect(try seal.open(sealed, context: "a") == plain)
      #expect(try seal.seal(plain, context: "a") != sealed)
    }
  }

  @Test("any changed byte, a cut, another context or another key is data loss")
  func tampered() throws {
    let sealed = try seal.seal([1, 2, 3], context: "a")
    for index in sealed.indices {
      var changed = sealed
      changed[index] ^= 1
      #expect(Failure.reason { _ = try seal.open(changed, context: "a") } == "seal-broken")
    }
    for length in 0..<sealed.count {
      #expect(Failure.reason { _ = try seal.open(Array(sealed.prefix(length)), context: "a") } == "seal-broken")
    }
    #expect(Failure.reason { _ = try seal.open(sealed, context: "b") } == "seal-broken")
    let other = Seal(key: [UInt8](repeating: 8, count: 32))
    #expect(Failure.reason { _ = try other.open(sealed, context: "a") } == "seal-broken")
  }
}
