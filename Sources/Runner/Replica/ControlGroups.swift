import Diagnostics
import Glibc
import Sandbox
import Storage
import SystemPackage

/// The kernel's control groups, as far as this machine lets us make some for replicas.
struct ControlGroups: Sendable, Hashable {
  enum Controller: String, CaseIterable, Sendable {
    case memory, cpu, pids
  }

  /// Where a group for the controller can be made; several controllers have one place in the unified hierarchy.
  var places: [Controller: FilePath]
  /// Whether it is the unified hierarchy (version 2), or each controller has one of its own.
  var isUnified: Bool

  /// Groups are made below the server's own, so that what bounds the server bounds its replicas; in the unified
  /// hierarchy, where a group with processes can't have such groups below it, beside the server's own or at the top.
  static func ofThisMachine() -> ControlGroups {
    let own = ControlGroupMembership.ofThisProcess()
    let separate = Controller.allCases.reduce(into: [Controller: FilePath]()) { places, controller in
      if let place = own.separate(controller.rawValue), offers(place, [controller], isUnified: false) {
        places[controller] = place
      }
    }
    if !separate.isEmpty { return ControlGroups(places: separate, isUnified: false) }
    let offered = own.unifiedCandidates.map { place in
      (place, Controller.allCases.filter { offers(place, [$0], isUnified: true) })
    }
    guard let most = offered.map(\.1.count).max(), most > 0, let best = offered.first(where: { $0.1.count == most })
    else { return ControlGroups(places: [:], isUnified: false) }
    let places = Dictionary(uniqueKeysWithValues: best.1.map { ($0, best.0) })
    return ControlGroups(places: places, isUnified: true)
  }

  /// A group for one replica, with its limits set.
  func make(for id: ReplicaID, _ limits: ReplicaLimits) throws(Failure) -> ReplicaGroup {
    var group = ReplicaGroup()
    do throws(Failure) {
      for controller in Controller.allCases {
        guard let place = places[controller] else { continue }
        let directory = place.appending("kindling-\(getpid())-\(id.text)")
        if !group.directories.contains(directory) {
          try Self.makeDirectory(directory)
          group.directories.append(directory)
        }
        try set(limits, controller, in: directory)
        switch controller {
        case .memory:
          group.boundsMemory = true
          group.memoryEvents = directory.appending(isUnified ? "memory.events" : "memory.oom_control")
        case .pids: group.boundsProcesses = true
        case .cpu: break
        }
      }
    } catch {
      group.remove()
      throw error
    }
    return group
  }

  private func set(_ limits: ReplicaLimits, _ controller: Controller, in directory: FilePath) throws(Failure) {
    // A fifth of the usual period: a short pause too often is better for a server than a long one now and then.
    let period = 20_000
    let quota = max(1000, period * limits.cpu / 1000)
    // Swap would only make a replica slow that has too little; a kernel without it has no such file.
    switch (controller, isUnified) {
    case (.memory, true):
      try Self.write("\(limits.memory.bytes)", to: directory.appending("memory.max"))
      try? Self.write("0", to: directory.appending("memory.swap.max"))
      try? Self.write("1", to: directory.appending("memory.oom.group"))
    case (.memory, false):
      try Self.write("\(limits.memory.bytes)", to: directory.appending("memory.limit_in_bytes"))
      try? Self.write("\(limits.memory.bytes)", to: directory.appending("memory.memsw.limit_in_bytes"))
    case (.cpu, true): try Self.write("\(quota) \(period)", to: directory.appending("cpu.max"))
    case (.cpu, false):
      try Self.write("\(period)", to: directory.appending("cpu.cfs_period_us"))
      try Self.write("\(quota)", to: directory.appending("cpu.cfs_quota_us"))
    // Process 1 is ours.
    case (.pids, _): try Self.write("\(limits.processes + 1)", to: directory.appending("pids.max"))
    }
  }

  /// Removes the empty groups of servers that were killed together with their replicas.
  func removeLeftovers() {
    for place in Set(places.values) {
      guard let directory = place.withPlatformString({ opendir($0) }) else { continue }
      defer { closedir(directory) }
      while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        let words = name.split(separator: "-")
        guard words.count == 3, words[0] == "kindling", let owner = pid_t(words[1]), kill(owner, 0) != 0, errno == ESRCH
        else { continue }
        _ = place.appending(name).withPlatformString { rmdir($0) }
      }
    }
  }

  /// What a person should know about it.
  var finding: SandboxProbe.Finding {
    let names = Controller.allCases.filter { places[$0] != nil }.map { $0 == .pids ? "processes" : $0.rawValue }
    if names.count == Controller.allCases.count {
      return SandboxProbe.Finding(name: "limits", ok: true, detail: "memory, cpu and processes by control groups")
    }
    let kept = names.isEmpty ? "no control groups" : "control groups for \(names.joined(separator: " and ")) alone"
    return SandboxProbe.Finding(
      name: "limits", ok: false, detail: "\(kept); memory and processes of apps by resource limits, cpu not at all",
      hint: "run as root, or with a part of the control groups of your own: systemd-run --user --scope kindling start")
  }

  /// Whether a group can be made there that has the controllers.
  private static func offers(_ place: FilePath, _ controllers: [Controller], isUnified: Bool) -> Bool {
    let directory = place.appending("kindling-\(getpid())-probe")
    guard directory.withPlatformString({ mkdir($0, 0o755) }) == 0 else { return false }
    defer { _ = directory.withPlatformString { rmdir($0) } }
    return controllers.allSatisfy { controller in
      let file =
        switch controller {
        case .memory: isUnified ? "memory.max" : "memory.limit_in_bytes"
        case .cpu: isUnified ? "cpu.max" : "cpu.cfs_quota_us"
        case .pids: "pids.max"
        }
      return directory.appending(file).withPlatformString { access($0, W_OK) } == 0
    }
  }

  private static func makeDirectory(_ path: FilePath) throws(Failure) {
    if path.withPlatformString({ mkdir($0, 0o755) }) != 0 { throw failure(path, Errno(rawValue: errno)) }
  }

  private static func write(_ text: String, to path: FilePath) throws(Failure) {
    do {
      let file = try FileDescriptor.open(path, .writeOnly, options: .closeOnExec)
      defer { try? file.close() }
      try file.writeAll(text.utf8)
    } catch {
      throw failure(path, (error as? Errno) ?? .ioError)
    }
  }

  private static func failure(_ path: FilePath, _ error: Errno) -> Failure {
    Failure(
      .internal, reason: "replica-limits", "limits of a replica can't be set",
      hint: "`kindling start --relaxed limits` starts apps without", cause: "\(path): \(error)")
  }
}

/// The control groups of one replica.
struct ReplicaGroup: Sendable, Hashable {
  var directories: [FilePath] = []
  var memoryEvents: FilePath?
  var boundsMemory = false
  var boundsProcesses = false

  /// Once nobody is in it; the sandbox has usually done it before.
  func remove() {
    for directory in directories { _ = directory.withPlatformString { rmdir($0) } }
  }
}
