import Diagnostics

/// One instruction of a Dockerfile, parsed but not expanded.
package struct Instruction: Sendable, Hashable {
  package let kind: Kind
  /// First to last line, counted from 1, heredoc bodies included.
  package let lines: ClosedRange<Int>
  /// As written, in one line: continued lines joined by one space, comments and heredoc bodies left out.
  package let original: String

  /// The instruction's name in capitals, such as `COPY`.
  package var keyword: String { kind.keyword }

  /// The instruction's lines for an error or a warning, with their neighbours.
  package func excerpt(in file: ParsedDockerfile) -> SourceExcerpt { file.source.excerpt(lines) }

  /// What an instruction says.
  ///
  /// "Word" below means text still to be given to `Expansion`, which also removes quotes and escapes.
  package indirect enum Kind: Sendable, Hashable {
    case from(FromInstruction)
    case arg([ArgDeclaration])
    /// Keys and values are words.
    case env([KeyValue])
    /// Keys and values are words.
    case label([KeyValue])
    /// A word.
    case workdir(String)
    /// A word: `user`, `uid`, `user:group` …
    case user(String)
    /// Words; each may expand to several ports (`Expansion.expandWords`).
    case expose([String])
    /// Words.
    case volume([String])
    /// Not expanded. `.exec([])` clears an inherited command.
    case cmd(CommandForm)
    /// Not expanded. `.exec([])` clears an inherited entrypoint.
    case entrypoint(CommandForm)
    /// Not expanded; never empty.
    case shell([String])
    /// A word.
    case stopSignal(String)
    case healthcheck(Healthcheck)
    case copy(TransferInstruction)
    case add(TransferInstruction)
    case run(RunInstruction)
    /// The trigger's text with its heredocs, as the image config keeps it, and what it says.
    case onbuild(text: String, trigger: Kind)
    case maintainer(String)
  }
}

extension Instruction.Kind {
  /// The instruction's name in capitals, such as `COPY`.
  package var keyword: String {
    switch self {
    case .from: "FROM"
    case .arg: "ARG"
    case .env: "ENV"
    case .label: "LABEL"
    case .workdir: "WORKDIR"
    case .user: "USER"
    case .expose: "EXPOSE"
    case .volume: "VOLUME"
    case .cmd: "CMD"
    case .entrypoint: "ENTRYPOINT"
    case .shell: "SHELL"
    case .stopSignal: "STOPSIGNAL"
    case .healthcheck: "HEALTHCHECK"
    case .copy: "COPY"
    case .add: "ADD"
    case .run: "RUN"
    case .onbuild: "ONBUILD"
    case .maintainer: "MAINTAINER"
    }
  }
}

/// `FROM [--platform=…] image [AS name]`.
package struct FromInstruction: Sendable, Hashable {
  /// A word: an image reference, `scratch` or an earlier stage's name.
  package let image: String
  /// A word.
  package let platform: String?
  /// The stage's name as written.
  package let name: String?
}

/// One `name[=default]` of ARG; the default is a word.
package struct ArgDeclaration: Sendable, Hashable {
  package let name: String
  package let defaultValue: String?
}

/// One pair of ENV or LABEL.
package struct KeyValue: Sendable, Hashable {
  package let key: String
  package let value: String
}

/// How a command is written.
package enum CommandForm: Sendable, Hashable {
  /// Text for the shell of the stage.
  case shell(String)
  /// The arguments of a JSON array, run without a shell.
  case exec([String])
}
