import Diagnostics
import Gateway
import Sandbox
import Storage

/// What `/readyz`, gRPC health and `kindling status` say, part by part; nothing in it is a guess.
struct HealthOfTheHouse: Sendable {
  let data: DataDirectory
  let probes: [SandboxProbe.Finding]

  func readiness() -> Readiness {
    var parts = [ledger, blobs]
    parts += probes.map { Readiness.Part(name: "sandbox/\($0.name)", ok: $0.ok, detail: $0.detail) }
    // Without a sandbox only RUN fails; registry and COPY builds work, so it does not make the house unready.
    return Readiness(ready: parts.prefix(2).allSatisfy(\.ok), parts: parts)
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
