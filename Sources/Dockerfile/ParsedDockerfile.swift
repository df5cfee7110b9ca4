import Diagnostics

/// A whole Dockerfile, parsed; nothing is expanded and no file or network was touched.
package struct ParsedDockerfile: Sendable {
  /// What the comments at the very top ask of the parser.
  package struct Directives: Sendable, Hashable {
    /// `# escape=`: continues lines and escapes characters.
    package var escape: Character = "\\"
    /// `# syntax=` as written.
    package var syntax: String?
    /// `# check=`.
    package var check: Check?

    /// Which build checks run, and whether a finding fails the build.
    package struct Check: Sendable, Hashable {
      /// Names of checks to leave out; `all` leaves out every one.
      package var skip: [String] = []
      package var error = false
      /// Names of experimental checks to run; `all` runs every one.
      package var experimental: [String] = []

      package init() {}
    }
  }

  /// Something that builds but should be looked at.
  package struct Warning: Sendable, Hashable {
    package let text: String
    package let source: SourceExcerpt
    /// The check that found it; nil for what belongs to none.
    package let check: BuildCheck?
  }

  package let file: String
  package let text: String
  package let directives: Directives
  /// All instructions in order.
  package let instructions: [Instruction]
  /// Arguments declared before the first FROM, visible to FROM only.
  package let metaArgs: [ArgDeclaration]
  /// Never empty.
  package let stages: [Stage]
  /// In order of lines, at most 100, of all checks: the directives' choice is the caller's to apply.
  package internal(set) var warnings: [Warning]
  let source: SourceText
  /// The first line that is no parser directive.
  let firstLine: Int

  /// The stage of that name, upper and lower case alike, or of that number.
  package func stage(named name: String) -> Stage? {
    if let stage = stages.first(where: { $0.key == name.lowercased() }) { return stage }
    guard name.utf8.allSatisfy(\.isDigit), let index = Int(name), stages.indices.contains(index) else { return nil }
    return stages[index]
  }

  /// A line's comment without its mark; nil when the line is none.
  func comment(at number: Int) -> String? {
    guard number >= 1, number <= source.lineCount else { return nil }
    let line = source.line(number).trimmed()
    return line.first == Byte.hash ? line.dropFirst().trimmed().text : nil
  }

  /// Any lines of the file, for an error or a warning.
  package func excerpt(_ lines: ClosedRange<Int>) -> SourceExcerpt { source.excerpt(lines) }
}

/// A FROM and what follows it.
package struct Stage: Sendable, Hashable {
  /// Position in the file, from 0.
  package let index: Int
  package let from: FromInstruction
  /// The FROM itself, for its lines.
  package let opening: Instruction
  /// The instructions after FROM.
  package internal(set) var instructions: [Instruction]

  /// The name as written.
  package var name: String? { from.name }
  /// The name as other instructions look it up.
  package var key: String? { from.name?.lowercased() }
}
