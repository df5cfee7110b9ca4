import Testing

@testable import Service

@Suite("The fair line")
struct FairLineTests {
  private struct Item: Hashable {
    var owner: String
    var number: Int
  }

  private func drained(_ line: FairLine<String, Item>) -> [Item] {
    var line = line
    var items: [Item] = []
    while let item = line.next() { items.append(item) }
    return items
  }

  @Test("gives nobody a second turn before a first one that waits, even one that came later")
  func debt() {
    var line = FairLine<String, Int>()
    line.append(1, of: "a")
    #expect(line.next() == 1)
    line.beginRound(served: ["a"])
    line.append(2, of: "a")
    line.append(3, of: "b")
    #expect(line.next() == 3)
    #expect(line.next() == 2)
    #expect(line.next() == nil)
  }

  @Test("forgets turns of the past once nobody waits")
  func freshRound() {
    var line = FairLine<String, Int>()
    line.append(1, of: "a")
    #expect(line.next() == 1)
    line.beginRound(served: [])
    line.append(2, of: "a")
    line.append(3, of: "b")
    #expect(line.next() == 2)
  }

  /// Random comings, goings and turns; `seed` is printed with a failure and replays it.
  @Test("keeps its promises whatever happens", arguments: 0..<200 as Range<UInt64>)
  func promises(seed: UInt64) throws {
    var random = Seeded(state: seed &+ 1)
    let owners = (0..<Int.random(in: 1...6, using: &random)).map { "owner\($0)" }
    var line = FairLine<String, Item>()
    var waiting: [String: [Item]] = [:]
    // For each owner that waits: how many turns the others had since it began to, or since its own last.
    var turnsOfOthers: [String: [String: Int]] = [:]
    for number in 0..<300 {
      let owner = owners[Int.random(in: 0..<owners.count, using: &random)]
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<5:
        let item = Item(owner: owner, number: number)
        if waiting[owner, default: []].isEmpty { turnsOfOthers[owner] = [:] }
        waiting[owner, default: []].append(item)
        line.append(item, of: owner)
      case 5:
        guard let item = waiting[owner]?.randomElement(using: &random) else { continue }
        #expect(line.remove(of: owner) { $0 == item } == item)
        waiting[owner]?.removeAll { $0 == item }
        if waiting[owner]?.isEmpty == true { turnsOfOthers[owner] = nil }
      case 6 where line.isEmpty: line.beginRound(served: Set(owners.prefix(2)))
      default:
        guard let item = line.next() else { continue }
        // First in, first out within an owner.
        #expect(waiting[item.owner]?.first == item)
        waiting[item.owner]?.removeFirst()
        turnsOfOthers[item.owner] = waiting[item.owner]?.isEmpty == false ? [:] : nil
        for other in turnsOfOthers.keys where other != item.owner {
          let turns = turnsOfOthers[other]?[item.owner, default: 0] ?? 0
          #expect(turns == 0, "\(item.owner) had two turns while \(other) waited for one")
          turnsOfOthers[other]?[item.owner] = turns + 1
        }
      }
      #expect(line.count == waiting.values.reduce(0) { $0 + $1.count })
      guard number % 20 == 0 else { continue }
      // What it says of the future is what happens.
      let future = drained(line)
      #expect(line.order.map(\.element) == future)
      for (index, item) in future.enumerated() {
        let offset = try #require(waiting[item.owner]?.firstIndex(of: item))
        #expect(line.ahead(of: item.owner, at: offset) == .init(total: index, ofSameOwner: offset))
      }
    }
    #expect(Set(drained(line)) == Set(waiting.values.joined()))
  }

  /// SplitMix64: the same numbers for the same seed everywhere.
  private struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
      return mixed ^ (mixed >> 31)
    }
  }
}
