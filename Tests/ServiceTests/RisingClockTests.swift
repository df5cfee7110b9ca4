import Diagnostics
import OCI
import Storage
import Synchronization
import Testing

@testable import Service

/// What a machine's clock that jumps does to builds.
@Suite("A clock that jumps") struct RisingClockTests {
  private final class Hand: Sendable {
    private let moment = Mutex<Int64>(1_700_000_000_000)
    var clock: WallClock { WallClock { Timestamp(milliseconds: self.moment.withLock { $0 }) } }
    func set(_ milliseconds: Int64) { moment.withLock { $0 = milliseconds } }
  }

  @Test("identifiers rise and never repeat, whatever the clock says, and over a restart too")
  func identifiers() {
    let hand = Hand()
    let rising = RisingClock(hand.clock, after: nil)
    var ids: [BuildID] = []
    let moments: [Int64] = [1_700_000_000_000, 1_700_000_000_000, 1_600_000_000_000, 5, 1_800_000_000_000, 1_700_000_000_001]
    for moment in moments {
      hand.set(moment)
      for _ in 0..<50 { ids.append(BuildID.make(at: rising.next())) }
    }
    #expect(ids == ids.sorted() && Set(ids).count == ids.count)
    hand.set(1_500_000_000_000)
    let next = RisingClock(hand.clock, after: ids.last?.moment)
    #expect(BuildID.make(at: next.next()) > ids[ids.count - 1])
    #expect(BuildID.make(at: Timestamp(milliseconds: 1_700_000_000_123)).moment.milliseconds == 1_700_000_000_123)
  }
}
