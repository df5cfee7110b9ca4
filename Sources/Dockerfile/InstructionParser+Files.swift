import Diagnostics

// COPY, ADD and RUN: the instructions that make layers.
extension InstructionParser {
  func transfer(isAdd: Bool) throws(Failure) -> TransferInstruction {
    if isAdd {
      try flags.allow(["chown", "chmod", "link", "checksum", "keep-git-dir", "unpack"], repeated: ["exclude"])
    } else {
      try flags.allow(["from", "chown", "chmod", "link", "parents"], repeated: ["exclude"])
    }
    let words = try listOfWords(try required("a source and a destination"))
    guard words.count >= 2, let destination = words.last else {
      throw fail(
        "\(keyword) has no destination",
        hint: "write \(keyword) SOURCE DESTINATION, such as \(keyword) . /app"
      )
    }
    guard HeredocMark(destination) == nil else {
      throw fail(
        "\(keyword) has a heredoc as its destination",
        hint: "write the destination last: \(keyword) <<EOF /file"
      )
    }
    return TransferInstruction(
      isAdd: isAdd,
      sources: try sources(words.dropLast()),
      destination: destination,
      from: try sourceStage(),
      chown: try flags.string("chown"),
      chmod: try flags.string("chmod"),
      link: try flags.bool("link") ?? false,
      parents: try flags.bool("parents") ?? false,
      exclude: try flags.strings("exclude"),
      checksum: try flags.string("checksum"),
      keepGitDir: try flags.bool("keep-git-dir") ?? false,
      unpack: try flags.bool("unpack")
    )
  }

  private func sources(_ words: ArraySlice<String>) throws(Failure) -> [TransferInstruction.Source] {
    var sources: [TransferInstruction.Source] = []
    var bodies = heredocs[...]
    for word in words {
      guard let mark = HeredocMark(word) else {
        guard !word.isEmpty else {
          throw fail("\(keyword) has an empty source", hint: "use \".\" for the whole context")
        }
        sources.append(.path(word))
        continue
      }
      guard bodies.first?.name == mark.name, let body = bodies.popFirst() else {
        throw fail("heredoc \"\(mark.name.clipped)\" has no text", hint: "write heredocs as plain words, not in JSON")
      }
      // The name becomes a file name below the destination.
      guard !body.name.contains("/"), body.name != ".", body.name != ".." else {
        throw fail("heredoc name \"\(body.name.clipped)\" is no file name", hint: "use a plain word, such as EOF")
      }
      sources.append(.heredoc(body))
    }
    guard bodies.isEmpty else {
      throw fail("\(keyword) has a heredoc that is no source", hint: "write heredocs as words of their own")
    }
    return sources
  }

  /// Docker: `--from` does not expand variables, so one in it is refused instead of being taken for a name.
  private func sourceStage() throws(Failure) -> String? {
    guard let from = try flags.string("from") else { return nil }
    guard !from.isEmpty else { throw fail("flag \"--from\" is empty", hint: "name a stage or an image") }
    if let dollar = from.firstIndex(of: "$"), from.index(after: dollar) != from.endIndex {
      throw fail(
        "flag \"--from\" has a variable in \"\(from.clipped)\"",
        hint: "declare ARG before FROM, add FROM \(from.clipped) AS name, then use --from=name"
      )
    }
    return from
  }

  mutating func run() throws(Failure) -> RunInstruction {
    try flags.allow(["network", "security"], repeated: ["mount", "device"])
    let mounts = try flags.strings("mount")
    for mount in mounts { try check(mount: mount) }
    var command = try command(required("a command"))
    var script: String?
    if let first = heredocs.first, case .shell(let text) = command {
      if HeredocMark(text) != nil {
        command = .shell(first.body)
        if first.body.hasPrefix("#!") { script = first.body }
      } else {
        // The stage's shell reads the heredocs itself.
        command = .shell(text + heredocs.map { "\n" + $0.body + $0.name }.joined())
      }
    }
    return RunInstruction(
      command: command,
      script: script,
      heredocs: heredocs,
      mountFlags: mounts,
      network: try flags.choice("network", of: RunInstruction.Network.allCases) ?? .default,
      security: try flags.choice("security", of: RunInstruction.Security.allCases) ?? .sandbox,
      devices: try flags.strings("device")
    )
  }

  /// Checks a mount now, with line and excerpt; one with variables can only be checked when they are known.
  private func check(mount flag: String) throws(Failure) {
    guard !flag.contains("$") || Mount.origin(of: flag)?.contains("$") == true else { return }
    do {
      _ = try Mount(flag: flag) { (word) throws(Failure) in word }
    } catch {
      throw fail(error.message, hint: error.hint)
    }
  }
}
