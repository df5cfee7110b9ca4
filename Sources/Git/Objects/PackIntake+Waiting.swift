import Diagnostics

extension PackIntake {
  /// Applies the deltas that waited, each after its base; without recursion, since a chain can be as long as the pack.
  func resolveWaiting() throws(Failure) {
    let deltas = waiting.deltas
    guard !deltas.isEmpty else { return }
    var followers: [WaitingDeltas.Base: [Int]] = [:]
    for (index, delta) in deltas.enumerated() { followers[delta.base, default: []].append(index) }
    // Only names can have come since; an entry that waits is told of when it is done.
    var ready: [Int] = []
    for base in followers.keys {
      guard case .name(let name) = base, writer.index(of: name) != nil else { continue }
      ready += followers.removeValue(forKey: base) ?? []
    }
    var done = 0
    while let index = ready.popLast() {
      try checkGitCancellation()
      let name = try apply(deltas[index])
      done += 1
      for base in [WaitingDeltas.Base.name(name), .entry(deltas[index].entry)] {
        ready += followers.removeValue(forKey: base) ?? []
      }
    }
    guard done == deltas.count else { throw missingBase(deltas) }
  }

  private func apply(_ waiter: WaitingDeltas.Delta) throws(Failure) -> ObjectID {
    let record: Int? =
      switch waiter.base {
      case .entry(let entry): entries.record(entry)
      case .name(let name): writer.index(of: name)
      }
    guard let record else { throw missingBase([waiter]) }
    allowDelta()
    try base.load(record: writer.record(record))
    var delta = DeltaApplication(limit: limits.objectSize)
    do throws(Failure) {
      var done: Int64 = 0
      while done < waiter.size {
        let piece = UnsafeMutableRawBufferPointer(
          rebasing: output[..<Int(min(Int64(output.count), waiter.size - done))])
        try waiting.read(at: waiter.offset + done, into: piece)
        try delta.feed(UnsafeRawBufferPointer(piece), to: base)
        done += Int64(piece.count)
      }
      try delta.finish()
    } catch {
      throw Self.located(error, at: entries.offset(waiter.entry))
    }
    let name = try writer.endObject()
    entries.resolve(waiter.entry, record: writer.lastIndex)
    return name
  }

  /// Either the pack is thin beyond what is at hand, or deltas go round in a circle.
  private func missingBase(_ deltas: [WaitingDeltas.Delta]) -> Failure {
    let first = deltas.first { entries.record($0.entry) == nil }
    let offset = first.map { entries.offset($0.entry) }
    if case .name(let name) = first?.base {
      return .packCorrupt("the base '\(name)' of a delta is neither in the pack nor at hand", at: offset)
    }
    return .packCorrupt("the base of a delta is missing", at: offset)
  }
}
