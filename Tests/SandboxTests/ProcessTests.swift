import Diagnostics
import Glibc
import SystemPackage
import Testing

@testable import Sandbox

@Suite("The processes of a command", .enabled(if: Bench.isAble))
struct ProcessTests {
  let bench = Bench()

  @Test("left in the background die with it, even when they hold its output")
  func daemons() async throws {
    let outcome = try await bench.run("setsid sleep 1000001 & (sleep 1000001 &) ; echo done")
    #expect(outcome.stdout == "done\n")
    #expect(!Bench.isRunning("1000001"))
  }

  @Test("are reaped when they are orphans")
  func zombies() async throws {
    let outcome = try await bench.run(
      """
      (sleep 0 & exec true)
      for try in $(seq 500); do
        zombies=$(ps -o stat | while read state; do case $state in Z*) echo $state;; esac; done)
        [ -z "$zombies" ] && exit 0
      done
      exit 1
      """
    )
    #expect(outcome.status == .exited(0))
  }

  @Test("all die at once when the task is cancelled", .timeLimit(.minutes(1)))
  func cancel() async throws {
    let command = try bench.command("(setsid sleep 1000002 &); echo started; sleep 1000002")
    let (started, continuation) = AsyncStream.makeStream(of: Void.self)
    let task = Task {
      defer { continuation.finish() }
      return try await Sandbox().run(command) { _ in continuation.yield() }
    }
    for await _ in started { break }
    task.cancel()
    let failure = await #expect(throws: Failure.self) { _ = try await task.value }
    #expect(failure?.code == .cancelled)
    #expect(!Bench.isRunning("1000002"))
  }

  @Test("are never started by a task that is cancelled already")
  func cancelledBefore() async throws {
    let command = try bench.command("touch /started")
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await Sandbox().run(command) { _ in }
    }
    await #expect(throws: Failure.self) { _ = try await task.value }
    #expect(bench.changes == [])
  }

  @Test("die when our own process is killed")
  func killedParent() async throws {
    await #expect(processExitsWith: .signal(SIGKILL)) { [owner = bench.borrowed as Bench.Borrowed] in
      let command = try Bench(of: owner).command("(setsid sleep 1000003 &); echo started; sleep 1000003")
      _ = try await Sandbox().run(command) { _ in kill(getpid(), SIGKILL) }
    }
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(5)
    while Bench.isRunning("1000003"), clock.now < deadline { await Task.yield() }
    #expect(!Bench.isRunning("1000003"))
  }

  @Test("of many commands at once don't mix")
  func manyAtOnce() async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<16 {
        group.addTask {
          let bench = Bench()
          return try await bench.run("echo \(number); exit \(number)")
            == Outcome(status: .exited(Int32(number)), stdout: "\(number)\n", stderr: "")
        }
      }
      for try await right in group { #expect(right) }
    }
  }
}
