/// Runs a compiled pattern over a path, all alternatives at once: time is steps × length, whatever the pattern.
struct PatternRun {
  /// Numbers of the steps that may come next, each once.
  private struct States {
    private var numbers: UnsafeMutableBufferPointer<Int>
    /// The round in which a step was added last.
    private var rounds: UnsafeMutableBufferPointer<Int>
    private(set) var count = 0
    private var round = 0

    init(_ numbers: UnsafeMutableBufferPointer<Int>, _ rounds: UnsafeMutableBufferPointer<Int>) {
      numbers.initialize(repeating: 0)
      rounds.initialize(repeating: -1)
      self.numbers = numbers
      self.rounds = rounds
    }

    subscript(position: Int) -> Int { numbers[position] }

    mutating func clear() {
      count = 0
      round += 1
    }

    func contains(_ number: Int) -> Bool { rounds[number] == round }

    /// Adds a step and the ones reachable from it without reading anything.
    mutating func insert(_ number: Int, of steps: [PatternStep]) {
      var number = number
      while rounds[number] != round {
        rounds[number] = round
        numbers[count] = number
        count += 1
        guard number < steps.count else { return }
        switch steps[number] {
        case .star, .rest: number += 1
        case .tree:
          insert(number + 1, of: steps)
          number += 2
        default: return
        }
      }
    }
  }

  static func verdict(of steps: [PatternStep], on path: UnsafeBufferPointer<UInt8>) -> PathPattern.Verdict {
    let size = steps.count + 1
    return withUnsafeTemporaryAllocation(of: Int.self, capacity: size * 4) { scratch in
      let part = { (number: Int) in
        UnsafeMutableBufferPointer(rebasing: scratch[(number * size)..<((number + 1) * size)])
      }
      return verdict(of: steps, on: path, States(part(0), part(1)), States(part(2), part(3)))
    }
  }

  private static func verdict(
    of steps: [PatternStep],
    on path: UnsafeBufferPointer<UInt8>,
    _ first: States,
    _ second: States
  ) -> PathPattern.Verdict {
    var verdict = PathPattern.Verdict()
    var current = first
    var following = second
    current.clear()
    current.insert(0, of: steps)
    var index = 0
    while index < path.count {
      let (scalar, length) = scalar(in: path, at: index)
      if scalar == 0x2F, current.contains(steps.count) { verdict.ancestor = true }
      advance(current, into: &following, reading: scalar, steps)
      swap(&current, &following)
      if current.count == 0 { return verdict }
      index += length
    }
    verdict.path = current.contains(steps.count)
    advance(current, into: &following, reading: 0x2F, steps)
    verdict.below = following.count > 0
    return verdict
  }

  private static func advance(
    _ current: States,
    into following: inout States,
    reading scalar: UInt32,
    _ steps: [PatternStep]
  ) {
    following.clear()
    for position in 0..<current.count {
      let number = current[position]
      guard number < steps.count else { continue }
      switch steps[number] {
      case .scalar(let own): if own == scalar { following.insert(number + 1, of: steps) }
      case .one: if scalar != 0x2F { following.insert(number + 1, of: steps) }
      case .star: if scalar != 0x2F { following.insert(number, of: steps) }
      case .set(let set): if scalar != 0x2F, set.contains(scalar) { following.insert(number + 1, of: steps) }
      case .tree: break
      case .treeBody:
        following.insert(number, of: steps)
        if scalar == 0x2F { following.insert(number + 1, of: steps) }
      case .rest: following.insert(number, of: steps)
      }
    }
  }

  /// The character at `index` and its bytes; a byte that is no UTF-8 counts as a character of its own.
  private static func scalar(in path: UnsafeBufferPointer<UInt8>, at index: Int) -> (UInt32, length: Int) {
    let first = path[index]
    let length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0
    if length == 1 { return (UInt32(first), 1) }
    guard length > 0, index + length <= path.count else { return (0x11_0000 + UInt32(first), 1) }
    var value = UInt32(first) & (0xFF >> UInt32(length + 1))
    for byte in path[(index + 1)..<(index + length)] {
      guard byte & 0xC0 == 0x80 else { return (0x11_0000 + UInt32(first), 1) }
      value = value << 6 | UInt32(byte & 0x3F)
    }
    return (value, length)
  }
}
