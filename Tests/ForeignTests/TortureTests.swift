import Foundation
import TestSupport
import Testing

/// A busy server that is killed again and again; see the script. `make torture` does it two hundred times.
@Suite("torture") struct TortureTests {
  @Test("whatever was acknowledged before a kill -9 is there after it, and nothing half-made is")
  func kills() async throws {
    let environment = ProcessInfo.processInfo.environment
    let rounds = environment["KINDLING_TORTURE_ROUNDS"] ?? "20"
    // The moments of the kills; printed, so that a failure can be looked for again.
    let seed = environment["KINDLING_TORTURE_SEED"] ?? "\(Int.random(in: 1...999_999))"
    try await withTemporaryFolder { folder in
      let data = folder.path("data")
      try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
      let result = try await Python.run(
        "torture.py", [ServerProcess.binary, data, try await Busybox.shared.archive(), rounds, seed])
      print("torture: \(result.output)")
      #expect(result.status == 0, "KINDLING_TORTURE_SEED=\(seed): \(result.all)")
    }
  }
}
