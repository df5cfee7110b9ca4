import Diagnostics
import Gateway
import RPC
import Sandbox
import Service
import Storage

/// What `/readyz`, gRPC health and `kindling status` say, part by part; nothing in it is a guess.
struct HealthOfTheHouse: Sendable {
  let data: DataDirectory
  let probes: [SandboxProbe.Finding]
  let addresses: BoundAddresses
  let queue: QueueGauge
  /// Why no build can run, where none can.
  let obstacle: Failure?
  let faults: FaultBoard
  let isScripted: Bool
  let seed: SeedBoard

  func readiness() -> Readiness {
    var parts = doors + [ledger, blobs, disk.isFull, line].compactMap(\.self) + seed.unfinished
    let ready = parts.allSatisfy(\.ok)
    parts += probes.map { Readiness.Part(name: "sandbox/\($0.name)", ok: $0.ok, detail: $0.detail) }
    parts += [disk.state].compactMap(\.self) + seed.finished
    // Without a sandbox CreateBuild answers UNAVAILABLE and everything else serves: the house is not unready by it.
    if let obstacle { parts.insert(Readiness.Part(name: "builds", ok: false, detail: obstacle.oneLine), at: 0) }
    if isScripted { parts.insert(Readiness.Part(name: "builds", ok: true, detail: "scripted"), at: 0) }
    // An emulator that lies silently is the worst of emulators.
    let count = faults.faults.count
    if count > 0 {
      let words = count == 1 ? "1 fault is on" : "\(count) faults are on"
      parts.insert(Readiness.Part(name: "faults", ok: false, detail: words + "; see: kindling faults ls"), at: 0)
    }
    return Readiness(ready: ready, parts: parts)
  }

  private var doors: [Readiness.Part] {
    let (main, grpc) = addresses.current
    let isListening = addresses.isListening
    return [("http", main), ("grpc", grpc)].map { name, address in
      Readiness.Part(name: name, ok: isListening, detail: isListening ? "\(address)" : "not listening yet")
    }
  }

  /// A paused queue is as somebody wants it, and ready.
  private var line: Readiness.Part {
    let status = queue.status
    // Where no build can run the part `builds` says so.
    if status.obstacle != nil { return Readiness.Part(name: "queue", ok: !status.isStopping, detail: "closed") }
    return Readiness.Part(name: "queue", ok: status.isOpen && !status.isStopping, detail: status.text)
  }

  /// What is left for the data directory. A full disk makes the house unready, one that is nearly full is told.
  private var disk: (isFull: Readiness.Part?, state: Readiness.Part?) {
    guard let space = data.freeSpace else { return (nil, nil) }
    let words = "\(space) free for '\(data.root)'"
    let hint = "; free some space, or move to another directory with --data-dir"
    if space < DataDirectory.leastSpace {
      return (Readiness.Part(name: "disk", ok: false, detail: "full: \(words)\(hint)"), nil)
    }
    let isLow = space < DataDirectory.lowSpace
    return (nil, Readiness.Part(name: "disk", ok: !isLow, detail: isLow ? "low: \(words)\(hint)" : words))
  }

  private var ledger: Readiness.Part {
    do {
      try data.ledger.checkWritable()
      return Readiness.Part(name: "ledger", ok: true, detail: "writable")
    } catch { return Readiness.Part(name: "ledger", ok: false, detail: error.oneLine) }
  }

  private var blobs: Readiness.Part {
    do {
      try data.blobs.writer().cancel()
      return Readiness.Part(name: "blobs", ok: true, detail: "writable")
    } catch { return Readiness.Part(name: "blobs", ok: false, detail: error.oneLine) }
  }
}
