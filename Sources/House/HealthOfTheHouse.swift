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

  func readiness() -> Readiness {
    var parts = doors + [ledger, blobs, line]
    let ready = parts.allSatisfy(\.ok)
    parts += probes.map { Readiness.Part(name: "sandbox/\($0.name)", ok: $0.ok, detail: $0.detail) }
    // Without a sandbox CreateBuild answers UNAVAILABLE and everything else serves: the house is not unready by it.
    if let obstacle { parts.insert(Readiness.Part(name: "builds", ok: false, detail: obstacle.oneLine), at: 0) }
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
