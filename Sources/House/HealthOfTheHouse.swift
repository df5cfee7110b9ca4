import Diagnostics
import Gateway
import RPC
import Sandbox
import Storage

/// What `/readyz`, gRPC health and `kindling status` say, part by part; nothing in it is a guess.
struct HealthOfTheHouse: Sendable {
  let data: DataDirectory
  let probes: [SandboxProbe.Finding]
  let addresses: BoundAddresses

  func readiness() -> Readiness {
    var parts = doors + [ledger, blobs]
    let ready = parts.allSatisfy(\.ok)
    parts += probes.map { Readiness.Part(name: "sandbox/\($0.name)", ok: $0.ok, detail: $0.detail) }
    // Without a sandbox only RUN fails; registry and COPY builds work, so it does not make the house unready.
    return Readiness(ready: ready, parts: parts)
  }

  private var doors: [Readiness.Part] {
    let (main, grpc) = addresses.current
    let isListening = addresses.isListening
    return [("http", main), ("grpc", grpc)].map { name, address in
      Readiness.Part(name: name, ok: isListening, detail: isListening ? "\(address)" : "not listening yet")
    }
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
