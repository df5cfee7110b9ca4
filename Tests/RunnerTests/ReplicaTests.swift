import Diagnostics
import Foundation
import OCI
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Runner

@Suite(.enabled(if: ReplicaBench.isAble), .timeLimit(.minutes(2)))
struct ReplicaTests {
  @Test func aReplicaAnswersOnPort80WithoutBeingRoot() async throws {
    let bench = try await ReplicaBench()
    try await bench.with(bench.plan(environment: ["VERSION": "7"])) { replica in
      #expect(try await replica.get("/") == AppReply(status: 200, body: "hello from 7\n"))
      let first = try #require(replica.log.last(100).first)
      #expect(first.stream == .platform)
      #expect(first.text.hasPrefix("starting version 1 of dev/app (localhost:4480/dev/app:v1): /app, as user 65532"))
    }
  }

  @Test func nobodyInsideHasPrivilegesOrGainsSome() async throws {
    let bench = try await ReplicaBench()
    let status = try await bench.with(bench.plan()) { try await $0.get("/file?path=/proc/self/status").body }
    for line in [
      "CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000",
      "CapBnd:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2",
      "Uid:\t65532\t65532\t65532\t65532", "Gid:\t0\t0\t0\t0",
    ] { #expect(status.contains(line + "\n"), "\(line) in \(status)") }
  }

  @Test func onlyHomeCanBeWrittenTo() async throws {
    let bench = try await ReplicaBench()
    try bench.folder.write("anybody's", to: "layer/free")
    try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: bench.folder.path("layer/free"))
    try await bench.with(bench.plan()) { replica in
      #expect(try await replica.get("/write?path=/tmp/ignite/file") == AppReply(status: 200, body: "written"))
      for path in ["/file", "/tmp/file", "/free"] {
        let reply = try await replica.get("/write?path=\(path)")
        #expect(reply.status == 500 && reply.body.contains("Read-only file system"), "\(path): \(reply)")
      }
      for path in ["/app", "/etc/hosts", "/dev/file", "/proc/sys/kernel/hostname", "/sys/kernel/mm/ksm/run"] {
        #expect(try await replica.get("/write?path=\(path)").status == 500, "\(path)")
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder.path("replicas/root")) == [])
    #expect(try Set(FileManager.default.contentsOfDirectory(atPath: bench.folder.path("layer"))) == ["app", "free"])
  }

  @Test func aRelaxedRootCanBeWrittenToAndForgets() async throws {
    let bench = try await ReplicaBench()
    let plan = try bench.plan(user: nil, relaxations: [.root, .user])
    let written = try await bench.with(plan) { try await $0.get("/write?path=/file") }
    #expect(written.status == 200)
    let found = try await bench.with(plan) { try await $0.get("/file?path=/file") }
    #expect(found.status != 200)
    #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder.path("layer")) == ["app"])
  }

  @Test func theEnvironmentIsTheImagesTheAppsAndThePlatforms() async throws {
    let bench = try await ReplicaBench()
    let app = ["B": "app", "PORT": "9999", "HOME": "/elsewhere"]
    let text = try await bench.with(bench.plan(environment: app) { $0.env = ["A=image", "B=image"] }) {
      try await $0.get("/file?path=/proc/self/environ").body
    }
    let entries = text.split(separator: "\0").map(String.init)
    let expected = [
      "A=image", "B=app", "PORT=80", "HOME=/tmp/ignite",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]
    for entry in expected { #expect(entries.contains(entry), "\(entry) in \(entries)") }
    #expect(entries.count == 6 && entries.contains { $0.hasPrefix("HOSTNAME=rep-") })
  }

  @Test func replicasSeeNothingOfEachOther() async throws {
    let bench = try await ReplicaBench()
    let plan = try bench.plan()
    try await bench.with(plan) { one in
      try await bench.with(plan) { other in
        _ = try await one.get("/write?path=/tmp/ignite/secret")
        #expect(try await other.get("/file?path=/tmp/ignite/secret").status != 200)
        let processes = try await other.get("/file?path=/proc/3/stat")
        #expect(processes.status != 200, "\(processes)")
        #expect(try await other.get("/connect?port=80").status == 200)
        await one.stop(grace: .zero)
        #expect(try await other.get("/connect?port=81").body == "Connection refused")
        let interfaces = try await other.get("/file?path=/proc/net/dev").body.split(separator: "\n")
        #expect(interfaces.count == 3, "\(interfaces)")
      }
    }
  }

  @Test(arguments: ["node", "node:node", "1000x"])
  func aNamedUserIsRefusedInThePlatformsWords(user: String) async throws {
    let bench = try await ReplicaBench()
    let failure = await #expect(throws: Failure.self) { _ = try await bench.replicas.start(bench.plan(user: user)) }
    #expect(failure?.reason == "user-not-numeric")
    #expect(failure?.message.hasPrefix("CreateContainerConfigError: ") == true)
    #expect(failure?.hint?.contains("USER 1000") == true)
  }

  @Test(arguments: [nil, "", "0", "0:1000", "00"])
  func rootIsRefused(user: String?) async throws {
    let bench = try await ReplicaBench()
    let failure = await #expect(throws: Failure.self) { _ = try await bench.replicas.start(bench.plan(user: user)) }
    #expect(failure?.reason == "user-root")
  }

  @Test func groupsAreTheImages() async throws {
    let bench = try await ReplicaBench()
    try FileManager.default.createDirectory(
      atPath: bench.folder.path("layer/etc"), withIntermediateDirectories: true)
    try bench.folder.write("web:x:1000:1001::/:/bin/sh\n", to: "layer/etc/passwd")
    try bench.folder.write("staff:x:2000:web\nother:x:2001:\n", to: "layer/etc/group")
    let wanted = [
      ("1000", "Gid:\t1001\t", "Groups:\t2000"), ("1000:7", "Gid:\t7\t", "Groups:\t "),
      ("1000:other", "Gid:\t2001\t", "Groups:\t "), ("web", "Gid:\t1001\t", "Groups:\t2000"),
    ]
    for (user, gid, groups) in wanted {
      let status = try await bench.with(bench.plan(user: user, relaxations: user == "web" ? .user : [])) {
        try await $0.get("/file?path=/proc/self/status").body
      }
      #expect(status.contains("Uid:\t1000\t") && status.contains(gid) && status.contains(groups), "\(user): \(status)")
    }
    let failure = await #expect(throws: Failure.self) {
      _ = try await bench.replicas.start(bench.plan(user: "nobody", relaxations: .user))
    }
    #expect(failure?.reason == "user-unknown")
  }

  @Test func whatCannotBeRunIsSaidAtTheStart() async throws {
    let bench = try await ReplicaBench()
    try bench.folder.write("no program", to: "layer/text", executable: true)
    try bench.folder.write("#!/bin/nothing\n", to: "layer/script", executable: true)
    try bench.folder.write("text", to: "layer/plain")
    let reasons = [
      "/missing": "command-missing", "missing": "command-missing", "/text": "command-platform",
      "/script": "command-interpreter-missing", "/plain": "command-not-executable",
    ]
    for (command, reason) in reasons {
      let failure = await #expect(throws: Failure.self) {
        _ = try await bench.replicas.start(bench.plan { $0.cmd = [command] })
      }
      #expect(failure?.reason == reason, "\(command): \(String(describing: failure))")
      #expect(failure?.message.contains(command) == true)
    }
    for (reason, change) in [
      ("workdir-missing", { (image: inout ImageConfig.Container) in image.workingDir = "/nowhere" }),
      ("command-empty", { $0.cmd = nil }),
    ] {
      let failure = await #expect(throws: Failure.self) { _ = try await bench.replicas.start(bench.plan(change)) }
      #expect(failure?.reason == reason)
    }
  }

  @Test func anExitIsToldWithItsLastLines() async throws {
    let bench = try await ReplicaBench()
    let replica = try await bench.replicas.start(bench.plan(environment: ["MODE": "exit"]))
    let end = await replica.end()
    #expect(end == ReplicaEnd(cause: .exited(status: 7), lastLines: ["configuration file is missing"]))
    #expect(replica.log.last(1).map(\.text) == ["ended with exit status 7"])
    let failure = #expect(throws: Failure.self) { _ = try replica.socket() }
    #expect(failure?.reason == "replica-ended")
  }

  @Test func aCrashIsToldByItsSignal() async throws {
    let bench = try await ReplicaBench()
    let replica = try await bench.listening(bench.plan())
    _ = try await replica.get("/crash")
    #expect(await replica.end().cause == .signalled(6))
    #expect(replica.log.last(1).map(\.text) == ["ended by SIGABRT"])
  }

  @Test func theStopSignalIsTheImages() async throws {
    let bench = try await ReplicaBench()
    let replica = try await bench.listening(bench.plan { $0.stopSignal = "SIGUSR1" })
    await replica.stop(grace: .seconds(60))
    #expect(await replica.end().cause == .stopped)
  }

  @Test func whoIgnoresTheSignalIsKilledAfterTheGrace() async throws {
    let bench = try await ReplicaBench()
    let replica = try await bench.listening(bench.plan(environment: ["MODE": "stubborn"]))
    let taken = await ContinuousClock().measure { await replica.stop(grace: .milliseconds(300)) }
    #expect(taken >= .milliseconds(300) && taken < .seconds(10))
    #expect(await replica.end().cause == .stopped)
    #expect(replica.log.last(5).contains { $0.text.hasPrefix("killed: did not end within 300 ms of SIGTERM") })
  }

  @Test func linesOfBothStreamsAreInTheLog() async throws {
    let bench = try await ReplicaBench()
    try await bench.with(bench.plan()) { replica in
      _ = try await replica.get("/print?n=3")
      try await replica.waits(for: "and one on stderr")
      try await replica.waits(for: "line 2")
      let lines = replica.log.last(100)
      #expect(lines.filter { $0.stream == .stdout }.map(\.text).suffix(3) == ["line 0", "line 1", "line 2"])
      #expect(lines.filter { $0.stream == .stderr }.map(\.text) == ["and one on stderr"])
    }
  }

  @Test(arguments: [OutboundReach.nowhere, .everywhere]) func startingTakesLittle(outbound: OutboundReach) async throws
  {
    let bench = try await ReplicaBench()
    let plan = try bench.plan(outbound: outbound)
    var starts: [Duration] = []
    var answers: [Duration] = []
    for _ in 0..<20 {
      let begun = ContinuousClock.now
      let replica = try await bench.replicas.start(plan)
      starts.append(ContinuousClock.now - begun)
      try await replica.waits(for: "listening on")
      _ = try await replica.get("/")
      answers.append(ContinuousClock.now - begun)
      await replica.stop(grace: .zero)
    }
    let medians = (starts.sorted()[10], answers.sorted()[10])
    print("start \(medians.0), first answer \(medians.1), \(outbound)")
    #expect(medians.1 < .milliseconds(150))
  }

  @Test func twentyAtOnceLeaveNothingBehind() async throws {
    let bench = try await ReplicaBench()
    // What is made once for all: the thread for sockets and its namespace.
    _ = try await bench.with(bench.plan(outbound: .everywhere)) { try await $0.get("/") }
    let before = Leftovers()
    let plan = try bench.plan(outbound: .everywhere)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<20 {
        group.addTask {
          var mine = plan
          mine.environment["VERSION"] = "\(number)"
          let reply = try await bench.with(mine) { try await $0.get("/") }
          #expect(reply.body == "hello from \(number)\n")
        }
      }
      try await group.waitForAll()
    }
    // Their name servers close a moment after them.
    let deadline = ContinuousClock.now + .seconds(5)
    while Leftovers() != before, ContinuousClock.now < deadline { await Task.yield() }
    let after = Leftovers()
    #expect(after == before, "\(before) \(after)")
  }
}

/// What replicas could leave behind.
struct Leftovers: Equatable {
  let mounts = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8).split(separator: "\n").count) ?? 0
  let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
  let groups = Set(ControlGroups.ofThisMachine().places.values).reduce(0) { count, place in
    count
      + ((try? FileManager.default.contentsOfDirectory(atPath: place.string))?.filter {
        $0.hasPrefix("kindling-\(getpid())-rep_")
      }
      .count ?? 0)
  }
  let processes = Leftovers.sandboxes()

  static func sandboxes() -> Int {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.filter { UInt32($0) != nil }.filter { process in
      let parent = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8))?
        .split(separator: "\n").first { $0.hasPrefix("PPid:") }
      return parent?.hasSuffix("\t\(getpid())") == true
    }.count
  }
}
