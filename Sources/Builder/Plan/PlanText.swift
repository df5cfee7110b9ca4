import Diagnostics
import OCI

extension BuildPlan {
  /// The whole plan as text that two equal plans share, for people and for tests.
  package var text: String {
    var lines = ["platform \(platform)"]
    for warning in warnings {
      lines.append("warning\(warning.source.map { " line \($0.firstLine)" } ?? ""): \(warning.line)")
    }
    for stage in stages {
      lines += ["", "stage \(stage.index) '\(stage.title)'"] + stage.lines(platform).map { "  " + $0 }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension PlannedStage {
  /// The platform stands there only where it is not the build's.
  fileprivate func lines(_ usual: Platform) -> [String] {
    var lines = platform == usual ? [] : ["platform \(platform)"]
    switch origin {
    case .scratch: lines.append("from scratch")
    case .image(let image): lines.append("from image \(image.reference)")
    case .stage(let index): lines.append("from stage \(index)")
    }
    for step in steps {
      lines.append("step \(step.number) line \(step.line): \(step.instruction)")
      lines += step.lines.map { "  " + $0 }
    }
    return lines + config.lines
  }
}

extension PlannedStep {
  fileprivate var lines: [String] {
    var lines: [String] = []
    switch action {
    case .run(let action):
      lines.append("run \(action.arguments) as '\(action.user)' in \(action.workingDirectory)")
      lines += action.environment.map { "  \($0)" }
      lines += action.proxies.map { "  \($0) (proxy)" }
      if let script = action.script { lines.append("  script \(String(reflecting: script))") }
      if action.network != .host { lines.append("  network \(action.network.rawValue)") }
      if action.isInsecure { lines.append("  insecure") }
      lines += action.mounts.map { "  " + $0.text }
    case .copy(let action):
      lines.append(
        "copy from \(action.origin.text) to \(action.destination)\(action.endsWithSlash ? " (directory)" : "")")
      lines += action.sources.map { "  \($0.text)" }
      if let owner = action.owner { lines.append("  owner \(owner)") }
      if let mode = action.mode { lines.append("  mode \(mode)") }
      if !action.excludes.isEmpty { lines.append("  without \(action.excludes)") }
      if action.keepsParents { lines.append("  with parents") }
      if action.isLinked { lines.append("  linked") }
      if action.unpacksArchives { lines.append("  unpacking archives") }
    case .makeDirectory(let path, let user): lines.append("directory \(path) for '\(user)'")
    case .configure: break
    }
    return lines + ["history \(String(reflecting: history))"]
  }
}

extension CopyAction.Origin {
  var text: String {
    switch self {
    case .context: "context"
    case .named(let name): "context '\(name)'"
    case .stage(let index): "stage \(index)"
    case .image(let image): "image \(image.reference)"
    }
  }
}

extension CopyAction.Source {
  fileprivate var text: String {
    switch self {
    case .path(let path): path
    case .inline(let name, let content): "inline \(name) \(String(reflecting: content))"
    case .url(let url, let checksum, let unpacks):
      "url \(RemoteSource.shown(url))" + (checksum.map { " \($0)" } ?? "") + (unpacks ? " unpacked" : "")
    case .git(let order):
      "git \(RemoteSource.shown(order.source))" + (order.checksum.map { " \($0)" } ?? "")
        + (order.keepsGitDirectory ? " with .git" : "")
    }
  }
}

extension ImageConfig {
  fileprivate var lines: [String] {
    var lines: [String] = author.map { ["author \($0)"] } ?? []
    guard let config else { return lines }
    lines += (config.env ?? []).map { "env \($0)" }
    lines += (config.labels ?? [:]).sorted { $0.key < $1.key }.map { "label \($0.key)=\($0.value)" }
    func add(_ name: String, _ value: (some CustomStringConvertible)?) {
      if let value { lines.append("\(name) \(value)") }
    }
    add("user", config.user)
    add("workdir", config.workingDir)
    add("entrypoint", config.entrypoint)
    add("cmd", config.cmd)
    add("shell", config.shell)
    add("ports", config.exposedPorts?.keys.sorted())
    add("volumes", config.volumes?.keys.sorted())
    add("stop signal", config.stopSignal)
    add("onbuild", config.onBuild)
    if let check = config.healthcheck {
      let numbers = [
        ("interval", check.interval), ("timeout", check.timeout), ("start period", check.startPeriod),
        ("start interval", check.startInterval), ("retries", check.retries.map(Int64.init)),
      ]
      let shown = numbers.compactMap { name, number in number.map { " \(name) \($0)" } }
      lines.append("healthcheck \(check.test ?? [])" + shown.joined())
    }
    return lines
  }
}
