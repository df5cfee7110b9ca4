import Dockerfile

/// Prints instructions as compact text, for golden comparisons.
enum Dump {
  static func text(_ file: ParsedDockerfile) -> String { file.instructions.map(text).joined(separator: "\n") }

  static func text(_ instruction: Instruction) -> String {
    let lines = instruction.lines
    let place = lines.count == 1 ? "\(lines.lowerBound)" : "\(lines.lowerBound)-\(lines.upperBound)"
    return "\(place): \(text(instruction.kind))"
  }

  static func text(_ kind: Instruction.Kind) -> String { kind.keyword + " " + details(kind) }

  private static func details(_ kind: Instruction.Kind) -> String {
    switch kind {
    case .from(let from): return quoted(from.image) + option("platform", from.platform) + option("as", from.name)
    case .arg(let list):
      return list.map { $0.name + ($0.defaultValue.map { "=" + quoted($0) } ?? "") }.joined(separator: " ")
    case .env(let pairs), .label(let pairs):
      return pairs.map { quoted($0.key) + "=" + quoted($0.value) }.joined(separator: " ")
    case .workdir(let word), .user(let word), .stopSignal(let word), .maintainer(let word): return quoted(word)
    case .expose(let words), .volume(let words), .shell(let words): return list(words)
    case .cmd(let form), .entrypoint(let form): return text(form)
    case .healthcheck(.none): return "none"
    case .healthcheck(.probe(let probe)):
      return text(probe.command) + option("interval", probe.intervalNanoseconds)
        + option("timeout", probe.timeoutNanoseconds) + option("start", probe.startPeriodNanoseconds)
        + option("start-interval", probe.startIntervalNanoseconds) + option("retries", probe.retries)
    case .copy(let transfer), .add(let transfer): return text(transfer)
    case .run(let run): return text(run)
    case .onbuild(let text, let trigger): return quoted(text) + " -> " + Dump.text(trigger)
    }
  }

  private static func text(_ form: CommandForm) -> String {
    switch form {
    case .shell(let text): "shell " + quoted(text)
    case .exec(let words): "exec " + list(words)
    }
  }

  private static func text(_ transfer: TransferInstruction) -> String {
    let sources = transfer.sources.map { source in
      switch source {
      case .path(let path): quoted(path)
      case .heredoc(let heredoc): text(heredoc)
      }
    }
    return sources.joined(separator: " ") + " to " + quoted(transfer.destination) + option("from", transfer.from)
      + option("chown", transfer.chown) + option("chmod", transfer.chmod) + (transfer.link ? " link" : "")
      + (transfer.parents ? " parents" : "") + (transfer.exclude.isEmpty ? "" : " exclude:" + list(transfer.exclude))
      + option("checksum", transfer.checksum) + (transfer.keepGitDir ? " keep-git-dir" : "")
      + option("unpack", transfer.unpack)
  }

  private static func text(_ heredoc: Heredoc) -> String {
    "<<\(heredoc.stripsTabs ? "-" : "")\(heredoc.name)\(heredoc.expands ? "" : "'")\(quoted(heredoc.body))"
  }

  private static func text(_ run: RunInstruction) -> String {
    text(run.command) + (run.script == nil ? "" : " script")
      + (run.mountFlags.isEmpty ? "" : " mounts:" + list(run.mountFlags))
      + (run.network == .default ? "" : " network:" + run.network.rawValue)
      + (run.security == .sandbox ? "" : " security:" + run.security.rawValue)
      + (run.devices.isEmpty ? "" : " devices:" + list(run.devices))
  }

  private static func option(_ name: String, _ value: (some CustomStringConvertible)?) -> String {
    value.map { " \(name):\($0)" } ?? ""
  }

  private static func list(_ words: [String]) -> String { "[" + words.map(quoted).joined(separator: ", ") + "]" }

  private static func quoted(_ text: String) -> String { String(reflecting: text) }
}
