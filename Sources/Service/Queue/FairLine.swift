/// Who goes next: first in, first out within an owner, and owners in rounds.
///
/// In each round every owner with something waiting has one turn, in the order in which their turns came up: an owner
/// takes its place when it begins to wait, or at the end of the next round when it had its turn in this one. So nobody's
/// second goes before anybody's first that waits, however many one owner brings: from the moment an owner begins to wait
/// until its turn, and between two of its turns, every other one has at most one.
package struct FairLine<Owner: Hashable, Element> {
  /// How many go before an element.
  package struct Ahead: Hashable {
    package var total: Int
    package var ofSameOwner: Int
  }

  private var lines: [Owner: ArraySlice<Element>] = [:]
  /// Owners whose turn is still to come in this round.
  private var turns: [Owner] = []
  /// Those that wait and had theirs; the next round begins with them.
  private var later: [Owner] = []
  /// Everybody who had a turn in this round, waiting or not.
  private var served: Set<Owner> = []

  package init() {}

  package private(set) var count = 0
  package var isEmpty: Bool { count == 0 }

  package func elements(of owner: Owner) -> ArraySlice<Element> { lines[owner] ?? [] }

  /// Puts the element at the end of its owner's line.
  package mutating func append(_ element: Element, of owner: Owner) {
    count += 1
    guard lines[owner] == nil else {
      lines[owner]?.append(element)
      return
    }
    lines[owner] = [element]
    if served.contains(owner) { later.append(owner) } else { turns.append(owner) }
  }

  /// Takes out the one whose turn it is.
  package mutating func next() -> Element? {
    if turns.isEmpty {
      (turns, later) = (later, [])
      served = []
    }
    guard let owner = turns.first, let element = lines[owner]?.popFirst() else { return nil }
    turns.removeFirst()
    served.insert(owner)
    count -= 1
    if lines[owner]?.isEmpty == true { lines[owner] = nil } else { later.append(owner) }
    return element
  }

  /// Takes out the owner's first element for which `isWanted`; nil when there is none.
  package mutating func remove(of owner: Owner, where isWanted: (Element) -> Bool) -> Element? {
    guard let index = lines[owner]?.firstIndex(where: isWanted) else { return nil }
    let element = lines[owner]?.remove(at: index)
    count -= 1
    if lines[owner]?.isEmpty == true {
      lines[owner] = nil
      turns.removeAll { $0 == owner }
      later.removeAll { $0 == owner }
    }
    return element
  }

  /// A new round, in which `busy` had their turn already: for when nobody waits, so that a turn of yesterday puts
  /// nobody back today. Does nothing while somebody waits.
  package mutating func beginRound(served busy: Set<Owner>) {
    if isEmpty { served = busy }
  }

  /// How many go before the owner's element at `offset` of its line, if nobody comes or goes; one step an owner.
  package func ahead(of owner: Owner, at offset: Int) -> Ahead {
    let round = offset + (turns.contains(owner) ? 0 : 1)
    var total = 0
    var isBefore = true
    // From the second round on the order is that of `later`, then this round's; in the first there is only the latter.
    for (other, start) in later.map({ ($0, 1) }) + turns.map({ ($0, 0) }) {
      if other == owner {
        isBefore = false
        continue
      }
      let count = lines[other]?.count ?? 0
      total += min(count, max(0, round - start))
      if isBefore, round >= start, count > round - start { total += 1 }
    }
    return Ahead(total: total + offset, ofSameOwner: offset)
  }

  /// Everything that waits, in the order in which it goes if nobody comes or goes.
  package var order: [(owner: Owner, element: Element, offset: Int)] {
    var order: [(owner: Owner, element: Element, offset: Int)] = []
    order.reserveCapacity(count)
    var (now, next) = (turns, later)
    var offsets: [Owner: Int] = [:]
    while order.count < count {
      if now.isEmpty { (now, next) = (next, []) }
      for owner in now {
        guard let line = lines[owner] else { continue }
        let offset = offsets[owner, default: 0]
        order.append((owner, line[line.startIndex + offset], offset))
        offsets[owner] = offset + 1
        if offset + 1 < line.count { next.append(owner) }
      }
      now = []
    }
    return order
  }
}

extension FairLine: Sendable where Owner: Sendable, Element: Sendable {}
extension FairLine.Ahead: Sendable {}
