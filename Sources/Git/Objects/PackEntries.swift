/// Where the entries of a pack began and what became of them, in the pack's order: 12 bytes each.
struct PackEntries {
  private var offsets: [Int64] = []
  private var records: [UInt32] = []

  var count: Int { offsets.count }

  /// Adds the next entry; `record` is nil while it waits for its base.
  mutating func append(offset: Int64, record: Int?) {
    offsets.append(offset)
    records.append(record.map(UInt32.init) ?? .max)
  }

  mutating func resolve(_ entry: Int, record: Int) { records[entry] = UInt32(record) }

  /// The entry that began exactly there.
  func index(at offset: Int64) -> Int? {
    var low = 0
    var high = offsets.count
    while low < high {
      let middle = (low + high) / 2
      if offsets[middle] == offset { return middle }
      if offsets[middle] < offset { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  func offset(_ entry: Int) -> Int64 { offsets[entry] }

  /// The record of an entry; nil while it waits.
  func record(_ entry: Int) -> Int? { records[entry] == .max ? nil : Int(records[entry]) }
}
