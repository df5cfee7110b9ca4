import Diagnostics

extension PackIntake {
  private static let offsetDelta: UInt8 = 6
  private static let nameDelta: UInt8 = 7
  /// Inflated sizes up to here are never held against the compressed size.
  private static let unmeasuredSize: Int64 = 64 << 20

  /// Type and size: four bits of size in the first byte, then seven in each (gitformat-pack, "Object entries").
  func readEntryHeader(_ byte: UInt8, _ bases: any ObjectSource) throws(Failure) {
    if entry.shift == 0 {
      entry.type = byte >> 4 & 7
      entry.size = UInt64(byte & 15)
      entry.shift = 4
    } else {
      guard entry.shift < 60 || (entry.shift == 60 && byte < 16) else { throw corrupt("its size has too many digits") }
      entry.size |= UInt64(byte & 0x7F) << entry.shift
      entry.shift += 7
    }
    guard byte & 0x80 == 0 else { return }
    guard entry.size <= UInt64(limits.objectSize.bytes) else {
      throw .objectTooLarge(Int64(clamping: entry.size), limit: limits.objectSize)
    }
    switch entry.type {
    case Self.offsetDelta: (state, entry.shift) = (.baseOffset, 0)
    case Self.nameDelta: state = .baseName
    default:
      guard let kind = ObjectKind(rawValue: entry.type) else { throw corrupt("its type is \(entry.type)") }
      try writer.beginObject(kind, size: Int64(entry.size))
      beginContent(.object)
    }
  }

  /// How far back the base begins, most significant digits first, each but the last one more than written.
  func readBaseOffset(_ byte: UInt8, _ bases: any ObjectSource) throws(Failure) {
    if entry.shift > 0 { entry.baseDistance += 1 }
    guard entry.baseDistance < 1 << 55 else { throw corrupt("its base is too far back") }
    entry.baseDistance = entry.baseDistance << 7 | UInt64(byte & 0x7F)
    entry.shift = 1
    guard byte & 0x80 == 0 else { return }
    guard entry.baseDistance > 0, entry.baseDistance <= UInt64(entry.offset) else {
      throw corrupt("its base would begin before the pack")
    }
    let baseOffset = entry.offset - Int64(entry.baseDistance)
    guard let index = entries.index(at: baseOffset) else {
      throw corrupt("no object begins at \(baseOffset), where its base should be")
    }
    allowDelta()
    if let record = entries.record(index) {
      try base.load(record: writer.record(record))
      beginContent(.delta(DeltaApplication(limit: limits.objectSize)))
    } else {
      try beginWaiting(for: .entry(index))
    }
  }

  func beginNamedDelta(_ bases: any ObjectSource) throws(Failure) {
    let name = collected.withUnsafeBytes { ObjectID(writer.format, bytes: $0) }
    collected.removeAll(keepingCapacity: true)
    guard let name else { throw corrupt("its base has no name") }
    allowDelta()
    if let record = writer.index(of: name) {
      try base.load(record: writer.record(record))
    } else if let object = try bases.find(name) {
      try base.load(object)
    } else {
      return try beginWaiting(for: .name(name))
    }
    beginContent(.delta(DeltaApplication(limit: limits.objectSize)))
  }

  private func beginWaiting(for base: WaitingDeltas.Base) throws(Failure) {
    guard waiting.deltas.count < limits.waitingDeltas else {
      throw .gitLimit(
        "git-too-many-waiting-deltas", "more than \(limits.waitingDeltas) deltas come before their bases",
        name: "waiting-deltas")
    }
    try waiting.begin(entry: entries.count, base: base)
    beginContent(.waiting)
  }

  private func beginContent(_ destination: Destination) {
    self.destination = destination
    state = .content
    inflater.restart()
  }

  /// Inflates what `bytes` hold of the entry, from `next` on.
  func inflate(_ bytes: UnsafeRawBufferPointer, _ next: inout Int) throws(Failure) {
    while true {
      let input = UnsafeRawBufferPointer(rebasing: bytes[next...])
      let step: (consumed: Int, produced: Int, ended: Bool)
      do throws(InflateDefect) {
        step = try inflater.inflate(input, into: output)
      } catch {
        throw corrupt("its content cannot be inflated", cause: error.text)
      }
      guard next + step.consumed >= 0 else { throw corrupt("its content cannot be inflated", cause: "a lost end") }
      advance(step.consumed, &next)
      entry.compressed += Int64(step.consumed)
      entry.inflated += Int64(step.produced)
      guard entry.inflated <= Int64(entry.size) else {
        throw corrupt("it has more than the \(entry.size) bytes announced")
      }
      try checkRatio()
      if step.produced > 0 { try take(UnsafeRawBufferPointer(rebasing: output[..<step.produced])) }
      if step.ended { return try endEntry() }
      guard step.consumed != 0 || step.produced != 0 || input.isEmpty else {
        throw corrupt("its content cannot be inflated", cause: "the stream goes nowhere")
      }
      // Output that filled its buffer may have more behind it, without any more input.
      if next == bytes.count, step.produced < output.count { return }
      if step.produced == output.count { try checkGitCancellation() }
    }
  }

  private func checkRatio() throws(Failure) {
    guard entry.inflated > Self.unmeasuredSize,
      entry.inflated / Int64(limits.inflateRatio) > entry.compressed
    else { return }
    throw .gitLimit(
      "git-inflate-ratio",
      "the object at offset \(entry.offset) of the pack inflates to more than \(limits.inflateRatio) times its size",
      name: "inflate-ratio")
  }

  private func take(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    switch destination {
    case .object: try writer.write(bytes)
    case .waiting: try waiting.append(bytes, limit: limits.unpackedSize)
    case .delta(var delta):
      do throws(Failure) { try delta.feed(bytes, to: base) } catch { throw located(error) }
      destination = .delta(delta)
    }
  }

  private func endEntry() throws(Failure) {
    guard entry.inflated == Int64(entry.size) else {
      throw corrupt("it has \(entry.inflated) bytes, and \(entry.size) were announced")
    }
    switch destination {
    case .waiting:
      waiting.end()
      entries.append(offset: entry.offset, record: nil)
    case .object:
      try writer.endObject()
      entries.append(offset: entry.offset, record: writer.lastIndex)
    case .delta(let delta):
      do throws(Failure) { try delta.finish() } catch { throw located(error) }
      try writer.endObject()
      entries.append(offset: entry.offset, record: writer.lastIndex)
    }
    beginEntry()
  }

  func corrupt(_ message: String, cause: String? = nil) -> Failure {
    .packCorrupt(message, at: entry.offset, cause: cause)
  }

  /// A delta knows what is wrong with it, but not where it is.
  private func located(_ failure: Failure) -> Failure { Self.located(failure, at: entry.offset) }

  static func located(_ failure: Failure, at offset: Int64) -> Failure {
    guard failure.reason == "git-pack-corrupt" else { return failure }
    return .packCorrupt(failure.message, at: offset)
  }
}
