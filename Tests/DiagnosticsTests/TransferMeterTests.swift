import Diagnostics
import Synchronization
import Testing

@Suite("A transfer's meter")
struct TransferMeterTests {
  /// A clock that stands still until it is told to go on, and what was told.
  final class Scene: Sendable {
    let now = Mutex<Int64>(1_000_000)
    let told = Mutex<[String]>([])
    var lines: [String] { told.withLock { $0 } }

    func meter(_ kind: BuildEvent.TransferProgress.Kind = .pull) -> TransferMeter {
      let clock = WallClock { Timestamp(milliseconds: self.now.withLock { $0 }) }
      return TransferMeter(kind, "acme/base:1", clock: clock) { progress in
        self.told.withLock { $0.append(progress.text) }
      }
    }

    func wait(_ milliseconds: Int64) { now.withLock { $0 += milliseconds } }
  }

  @Test("tells nothing of what is over at once but its end, and nothing at all of nothing")
  func short() {
    let scene = Scene()
    let meter = scene.meter()
    meter.expect(30_000_000)
    meter.advance(by: 30_000_000)
    meter.finish()
    meter.finish()
    #expect(scene.lines == ["pulled acme/base:1: 30 MB"])
    scene.meter(.download).finish()
    #expect(scene.lines.count == 1)
  }

  @Test("tells once a second how far it is and how fast")
  func steady() {
    let scene = Scene()
    let meter = scene.meter(.download)
    meter.expect(4_000_000)
    for _ in 0..<4 {
      scene.wait(500)
      meter.advance(by: 1_000_000)
    }
    meter.finish()
    #expect(
      scene.lines == [
        "downloading acme/base:1: 2.0 MB of 4.0 MB, 2.0 MB/s",
        "downloading acme/base:1: 4.0 MB of 4.0 MB, 2.0 MB/s", "downloaded acme/base:1: 4.0 MB, 2.0 MB/s",
      ], "\(scene.lines)")
  }

  @Test("of a day long tells some two hundred times")
  func bounded() {
    let scene = Scene()
    let meter = scene.meter(.fetch)
    for second in 1...86_400 {
      scene.wait(1000)
      meter.reach(Int64(second))
    }
    #expect((100...250).contains(scene.lines.count), "\(scene.lines.count)")
  }
}
