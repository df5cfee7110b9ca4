import Builder
import Diagnostics
import OCI
import Storage
import Synchronization
import Testing

@testable import Service

@Suite("Pulls of one base image at once", .timeLimit(.minutes(1)))
struct JointPullsTests {
  /// Ends when it is told to, or cancelled.
  final class Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let end: AsyncStream<Void>.Continuation
    init() { (stream, end) = AsyncStream.makeStream() }
    func open() { end.finish() }
    func wait() async { for await _ in stream {} }
  }

  private let pulls = JointPulls()
  private let gate = Gate()
  private let begun = Gate()
  private let name: JointPulls.Name
  private let image: BaseImage

  init() throws {
    let platform = Platform.host
    name = JointPulls.Name(organization: try OrganizationName("dev"), image: "host/base:1", platform: platform)
    image = BaseImage(
      reference: "host/base:1", manifest: Digest(sha256Of: [1]), mediaType: .ociManifest,
      config: ImageConfig(platform: platform), layers: [])
  }

  /// Counts how often it was really pulled, and how often that was cancelled.
  final class Count: Sendable {
    let pulls = Atomic<Int>(0)
    let cancelled = Atomic<Int>(0)
  }

  private func ask(_ count: Count, watch: @escaping TransferMeter.Watch = { _ in }) -> Task<
    Result<BaseImage, Failure>, Never
  > {
    Task {
      do throws(Failure) {
        return .success(
          try await pulls.join(name, watch: watch) { [image, gate, begun] (watch) async throws(Failure) in
            count.pulls.wrappingAdd(1, ordering: .relaxed)
            begun.open()
            await gate.wait()
            if Task.isCancelled {
              count.cancelled.wrappingAdd(1, ordering: .relaxed)
              throw Failure(.cancelled, reason: "cancelled", "the pull was cancelled")
            }
            watch(
              BuildEvent.TransferProgress(
                kind: .pull, name: "x", size: ByteCount(1), total: nil, durationMilliseconds: 1, isDone: true))
            return image
          })
      } catch { return .failure(error) }
    }
  }

  /// Waits until so many are waiting.
  private func waiters(_ count: Int) async { while pulls.waiterCount(of: name) < count { await Task.yield() } }

  @Test("are one, and all who asked hear of its progress")
  func one() async throws {
    let count = Count()
    let heard = Atomic<Int>(0)
    let tasks = (0..<3).map { _ in ask(count) { _ in heard.wrappingAdd(1, ordering: .relaxed) } }
    await waiters(3)
    gate.open()
    for task in tasks { #expect(try await task.value.get() == image) }
    #expect(count.pulls.load(ordering: .relaxed) == 1)
    #expect(heard.load(ordering: .relaxed) == 3)
    // What is over is not joined.
    _ = try await ask(count).value.get()
    #expect(count.pulls.load(ordering: .relaxed) == 2)
  }

  @Test("go on when one who waits is cancelled, be it the first")
  func leave() async throws {
    let count = Count()
    let first = ask(count)
    await begun.wait()
    let second = ask(count)
    await waiters(2)
    first.cancel()
    #expect(await first.value.failure?.code == .cancelled)
    gate.open()
    #expect(try await second.value.get() == image)
    #expect(count.cancelled.load(ordering: .relaxed) == 0)
  }

  @Test("end when nobody waits any more, before the last one leaves")
  func abandon() async throws {
    let count = Count()
    let tasks = [ask(count), ask(count)]
    await waiters(2)
    await begun.wait()
    for task in tasks { task.cancel() }
    for task in tasks { #expect(await task.value.failure?.code == .cancelled) }
    #expect(count.cancelled.load(ordering: .relaxed) == 1)
    #expect(pulls.waiterCount(of: name) == 0)
  }
}

extension Result where Failure == Diagnostics.Failure {
  fileprivate var failure: Diagnostics.Failure? { if case .failure(let failure) = self { failure } else { nil } }
}
