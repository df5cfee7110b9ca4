import Diagnostics
import Foundation
import Sandbox
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Runner

@Suite(.enabled(if: ReplicaBench.isAble), .serialized, .timeLimit(.minutes(2)))
struct ReplicaLimitTests {
  private static let groups = ControlGroups.ofThisMachine()
  private static let hasGroups = groups.places.count == 3

  @Test(.enabled(if: hasGroups)) func whoEatsItsMemoryIsKilledAndNobodyElseIs() async throws {
    let bench = try await ReplicaBench()
    let neighbour = try await bench.listening(bench.plan())
    let replica = try await bench.listening(bench.plan(limits: ReplicaLimits(memory: .mebibytes(64))))
    #expect(try await replica.get("/eat?mb=16").body == "eaten")
    _ = try await replica.get("/eat?mb=256")
    #expect(await replica.end().cause == .outOfMemory(limit: .mebibytes(64)))
    #expect(replica.log.last(1).first?.text.hasPrefix("killed: used more than 64 MiB of memory") == true)
    #expect(try await neighbour.get("/").status == 200)
    await neighbour.stop(grace: .zero)
  }

  @Test(.enabled(if: hasGroups)) func whoForksWithoutEndIsStoppedAtItsLimit() async throws {
    let bench = try await ReplicaBench()
    let limits = ReplicaLimits(processes: 40)
    let neighbour = try await bench.listening(bench.plan(limits: limits))
    let replica = try await bench.listening(bench.plan(limits: limits))
    let said = try await replica.get("/fork").body
    let made = try #require(said.split(separator: " ").first.flatMap { Int($0) })
    #expect((20...40).contains(made), "\(said)")
    #expect(try await neighbour.get("/fork?n=10").body.hasPrefix("10 processes"))
    await replica.stop(grace: .zero)
    await neighbour.stop(grace: .zero)
  }

  @Test func withoutControlGroupsOneReplicasProcessesAreNotAnothers() async throws {
    let bench = try await ReplicaBench(groups: ControlGroups(places: [:], isUnified: false))
    #expect(!bench.replicas.limitFinding.ok)
    let limits = ReplicaLimits(memory: .mebibytes(128), processes: 40)
    let neighbour = try await bench.listening(bench.plan(limits: limits))
    let replica = try await bench.listening(bench.plan(limits: limits))
    let said = try await replica.get("/fork").body
    let made = try #require(said.split(separator: " ").first.flatMap { Int($0) })
    #expect((20...40).contains(made), "\(said)")
    #expect(try await neighbour.get("/fork?n=10").body.hasPrefix("10 processes"))
    await replica.stop(grace: .zero)
    #expect(try await neighbour.get("/eat?mb=1000").body == "no memory")
    await neighbour.stop(grace: .zero)
  }

  @Test(.enabled(if: hasGroups)) func leftoversOfAKilledServerAreRemoved() async throws {
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/bin/true")
    try child.run()
    child.waitUntilExit()
    let place = try #require(Self.groups.places[.pids])
    let left = place.appending("kindling-\(child.processIdentifier)-rep_left")
    try FileManager.default.createDirectory(atPath: left.string, withIntermediateDirectories: false)
    _ = try await ReplicaBench()
    #expect(!FileManager.default.fileExists(atPath: left.string))
  }

  @Test(.enabled(if: hasGroups)) func aKilledServerTakesItsReplicasAndTheirGroupsAlong() async throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = folder.path as String] in
      setenv("TMPDIR", path, 1)
      let bench = try await ReplicaBench()
      let replica = try await bench.listening(bench.plan())
      kill(getpid(), SIGKILL)
      await replica.stop(grace: .zero)
    }
    let deadline = ContinuousClock.now + .seconds(5)
    while !Self.orphans().isEmpty, ContinuousClock.now < deadline { await Task.yield() }
    #expect(Self.orphans() == [])
  }

  /// Groups of replicas whose server is dead.
  private static func orphans() -> [String] {
    Set(groups.places.values).flatMap { place in
      (try? FileManager.default.contentsOfDirectory(atPath: place.string)) ?? []
    }.filter { name in
      let words = name.split(separator: "-")
      guard words.count == 3, words[0] == "kindling", let owner = pid_t(words[1]) else { return false }
      return kill(owner, 0) != 0
    }
  }

  @Test func theProcesssGroupIsFoundWhereItIsMounted() {
    let separate = ControlGroupMembership(
      groups: "4:memory:/process\n3:cpu,cpuacct:/\n0::/\n",
      mounts: """
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
        38 31 0:35 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        """)
    #expect(separate.separate("memory") == "/sys/fs/cgroup/memory/process")
    #expect(separate.separate("cpu") == "/sys/fs/cgroup/cpu,cpuacct")
    #expect(separate.separate("pids") == nil)
    let unified = ControlGroupMembership(
      groups: "0::/user.slice/user-1000.slice/a.scope\n",
      mounts: "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n")
    #expect(
      unified.unifiedCandidates == [
        "/sys/fs/cgroup/user.slice/user-1000.slice/a.scope", "/sys/fs/cgroup/user.slice/user-1000.slice",
        "/sys/fs/cgroup",
      ])
    let container = ControlGroupMembership(
      groups: "0::/docker/abc\n", mounts: "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n")
    #expect(container.unifiedCandidates == ["/sys/fs/cgroup"])
  }
}
