import Archive
import Diagnostics
import OCI
import Sandbox
import Storage
import SystemPackage

/// Runs one command over the stage's layers and makes a layer of what it changed.
///
/// The overlay's upper directory is the layer: it is packed without looking at anything else, and then becomes the
/// layer's unpacked directory by a rename.
struct RunStep {
  let builder: ImageBuilder
  let step: PlannedStep
  let action: RunAction
  /// What the image's programs are for.
  let platform: Platform
  /// Topmost first.
  let lowers: [FilePath]
  let tree: RootTree
  let scratch: ScratchFolder
  let format: LayerFormat
  /// What must not be read in the output.
  let hidden: [SecretValue]
  let reporter: any BuildReporter

  /// `mounts` must be prepared, and stays the caller's to release.
  func run(with mounts: RunMounts) async throws(Failure) -> LayerRecord {
    let folder = try scratch.directory("run")
    let root = SandboxRoot(lowers: lowers, upper: folder.appending("upper"), work: folder.appending("work"))
    try root.create()
    try FileSystem.makeDirectory(folder.appending("root"))

    let output = StepOutput(step: step.number, secrets: hidden, reporter: reporter)
    let status = try await builder.sandbox.run(try command(root, folder, mounts)) { output.take($0) }
    try output.finish()
    guard case .exited(0) = status else { throw failure(status, output) }

    let record = try LayerBlob(store: builder.blobs, format: format).write { (tar) throws(Failure) in
      _ = try LayerPacker(upper: root.upper, xattrs: builder.layers.xattrs).pack(
        into: tar, excluding: Set(format.without), mtimeClamp: format.latestTime)
    }
    if format.keepsEntries { builder.layers.adopt(root.upper, as: record.digest) }
    return record
  }

  private func command(
    _ root: SandboxRoot, _ folder: FilePath, _ wanted: RunMounts
  ) throws(Failure) -> SandboxCommand {
    let user = try Accounts(in: tree).user(action.user)
    var environment = action.environment + action.proxies
    // A secret's variable takes the place of the image's own.
    for variable in wanted.environment {
      let name = variable.prefix { $0 != "=" } + "="
      environment.removeAll { $0.hasPrefix(name) }
      environment.append(variable)
    }
    if !environment.contains(where: { $0.hasPrefix("HOME=") }) { environment.append("HOME=\(user.home)") }
    let hosts = folder.appending("hosts")
    try FileSystem.write("127.0.0.1\tlocalhost buildkitsandbox\n::1\tlocalhost ip6-localhost ip6-loopback\n", to: hosts)
    var mounts = [SandboxMount.bind(hosts, target: "/etc/hosts", readOnly: true)]
    // Copied, because the host's may be a link into a place the sandbox does not have.
    let resolver = folder.appending("resolv.conf")
    try FileSystem.write(Self.hostResolver(), to: resolver)
    mounts.append(.bind(resolver, target: "/etc/resolv.conf", readOnly: true))
    if let script = action.script, let path = action.arguments.first {
      let file = folder.appending("script")
      try FileSystem.write(script, to: file, mode: [.ownerReadWriteExecute, .groupReadExecute, .otherReadExecute])
      mounts.append(.bind(file, target: FilePath(path), readOnly: true))
    }
    return SandboxCommand(
      root: root, mountPoint: folder.appending("root"), arguments: action.arguments, environment: environment,
      workingDirectory: action.workingDirectory,
      user: UserSpec(uid: user.uid, gid: user.gid, supplementary: user.allGroups), hostname: "buildkitsandbox",
      network: action.network == .none ? .none : .host, mounts: mounts + wanted.mounts,
      isPrivileged: action.isInsecure)
  }

  private static func hostResolver() -> String {
    guard let reader = try? FileReader(path: "/etc/resolv.conf"),
      let bytes = try? reader.contents(limit: .kibibytes(64))
    else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Whether the kernel refused the image's programs. It is asked by starting them: it runs some foreign ones itself
  /// (386 on amd64), others by emulators of binfmt_misc, and a foreign image may hold programs for this machine.
  private func isForeign(_ status: ExitStatus, _ lines: [String]) -> Bool {
    status == .exited(126) && !platform.matches(.host)
      && lines.contains { $0.lowercased().hasSuffix("exec format error") }
  }

  private func failure(_ status: ExitStatus, _ output: StepOutput) -> Failure {
    let text =
      switch status {
      case .exited(let code): "exit status \(code)"
      case .signalled(let signal): "killed by signal \(signal)"
      }
    let lines = output.lastLines
    var failure = Failure(
      .failedPrecondition, reason: "run-failed", "step \(step.number) '\(step.instruction)' failed: \(text)",
      source: step.source, hint: status == .signalled(9) ? "it may have run out of memory" : nil,
      cause: lines.isEmpty ? nil : "last lines:\n" + lines.map { "  " + $0 }.joined(separator: "\n"))
    if isForeign(status, lines) {
      failure.reason = "run-platform"
      failure.message += "; this machine (\(Platform.host)) cannot run programs for \(platform)"
      failure.hint =
        "begin the stage with FROM --platform=$BUILDPLATFORM and copy what it makes, or register an emulator in "
        + "binfmt_misc (with its flag F)"
    }
    failure.commandStatus =
      switch status {
      case .exited(let code): code
      case .signalled(let signal): 128 + signal
      }
    return failure
  }
}
