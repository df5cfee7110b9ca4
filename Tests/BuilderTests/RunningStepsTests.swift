import Diagnostics
import OCI
import Storage
import Testing

@testable import Builder

@Suite("Steps that run")
struct RunningStepsTests {
  private let steps = RunningSteps()
  private let name: RunningSteps.Name
  private let made = RunningSteps.Made(
    layer: LayerRecord(
      digest: Digest(sha256Of: [1]), diffID: Digest(sha256Of: [2]), size: ByteCount(3), mediaType: .ociLayerGzip),
    build: "first")

  init() throws {
    name = RunningSteps.Name(organization: try OrganizationName("acme"), key: Digest(sha256Of: [0]))
  }

  /// A second step of the same name that waits when this returns.
  private func waiter() async -> Task<RunningSteps.Made?, any Error> {
    let (waits, waiting) = AsyncStream.makeStream(of: Void.self)
    let task = Task { [steps, name] in
      try await steps.join(name) { () throws(Failure) in waiting.yield() }
    }
    for await _ in waits { break }
    return task
  }

  @Test("the second gets what the first makes")
  func shared() async throws {
    #expect(try await steps.join(name) {} == nil)
    let second = await waiter()
    steps.end(name, made)
    #expect(try await second.value?.layer == made.layer)
  }

  @Test("one that waits runs when the first has made nothing")
  func failed() async throws {
    #expect(try await steps.join(name) {} == nil)
    let second = await waiter()
    steps.end(name, nil)
    #expect(try await second.value == nil)
  }

  @Test("one that waits can be cancelled")
  func cancelled() async throws {
    #expect(try await steps.join(name) {} == nil)
    let second = await waiter()
    second.cancel()
    await #expect(throws: Failure.self) { try await second.value }
  }

  @Test("what was made is known until its build is over, in its own organisation")
  func kept() async throws {
    #expect(try await steps.join(name) {} == nil)
    steps.end(name, made)
    #expect(try await steps.join(name) {}?.build == "first")
    let other = RunningSteps.Name(organization: try OrganizationName("other"), key: name.key)
    #expect(try await steps.join(other) {} == nil)
    steps.forget("first")
    #expect(try await steps.join(name) {} == nil)
  }
}
