import Diagnostics
import FoundationEssentials
import OCI
import SystemPackage
import Testing

@testable import Storage

@Suite struct CrashTests {
  /// What `kill -9` leaves is what is in the files while the server works: a copy of them is such a leftover.
  @Test("what was acknowledged before a kill is there at the next start, and nothing half-done is")
  func kill() async throws {
    let scratch = try Scratch()
    let data = try scratch.open()
    let build = try record(organization())
    try data.ledger.insert(build)
    try data.events.append(contentsOf: [.queued, .started], to: build.id)
    let blob = try data.blobs.put([1, 2, 3])
    try data.writeRunFile(
      RunFile(
        pid: 1,
        urls: .init(http: "h", grpc: "g"),
        ports: .init(http: 1, grpc: 2),
        version: "v",
        startedAt: Timestamp(milliseconds: 1)
      )
    )
    let half = try data.blobs.writer()
    try half.write([4, 5, 6])

    let copy = scratch.path.appending("copy")
    try FileManager.default.copyItem(atPath: data.root.string, toPath: copy.string)
    try half.write([7])
    #expect(DataDirectory.readRunFile(at: copy) == nil)
    let next = try DataDirectory.open(at: copy, durability: .ephemeral, clock: .fixed)
    #expect(try next.ledger.unfinishedBuilds() == [build])
    #expect(try next.events.lastSequence(of: build.id) == 2)
    #expect(try next.blobs.bytes(of: blob, limit: .kibibytes(1)) == [1, 2, 3])
    #expect(try copy.appending("oci/blobs/sha256").entries() == [blob.hex])
    #expect(try copy.appending("work/uploads").entries().isEmpty)
    #expect(next.key == data.key)
    next.close()
    data.close()
  }
}
