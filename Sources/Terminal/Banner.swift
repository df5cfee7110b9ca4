/// What `kindling start` prints once everything answers.
package struct Banner: Sendable {
  /// A condition worth knowing, with what to do about it.
  package struct Warning: Sendable, Hashable {
    package var text: String
    package var fix: String
    package init(_ text: String, fix: String) {
      self.text = text
      self.fix = fix
    }
  }

  package var version: String
  /// From process start to ready.
  package var readyMilliseconds: Int64
  /// The page, such as `http://localhost:4480`.
  package var pageURL: String
  /// Host and port of the registry, as in image references.
  package var registry: String
  /// Whose images the example pushes.
  package var organization: String
  package var grpc: String
  package var dataDirectory: String
  /// What is in it, such as `41 builds, 1.2 GB`; empty says nothing.
  package var dataSummary: String
  /// Nothing survives the process.
  package var isEphemeral: Bool
  package var warnings: [Warning]

  package init(
    version: String,
    readyMilliseconds: Int64,
    pageURL: String,
    registry: String,
    organization: String,
    grpc: String,
    dataDirectory: String,
    dataSummary: String = "",
    isEphemeral: Bool = false,
    warnings: [Warning] = []
  ) {
    self.version = version
    self.readyMilliseconds = readyMilliseconds
    self.pageURL = pageURL
    self.registry = registry
    self.organization = organization
    self.grpc = grpc
    self.dataDirectory = dataDirectory
    self.dataSummary = dataSummary
    self.isEphemeral = isEphemeral
    self.warnings = warnings
  }

  private static let labelWidth = 11

  /// The block's lines, without line ends. Addresses are never cut; what stands beside them goes first.
  package func lines(_ appearance: Appearance) -> [String] {
    let name = appearance.paint("kindling \(version)", .strong)
    var lines = ["\(name)   ready in \(seconds) s", ""]
    let summary = isEphemeral ? "gone when kindling stops" : dataSummary
    let example = "docker push \(registry)/\(organization)/app"
    let rows = [
      ("Open", pageURL, ""), ("Registry", registry, example), ("gRPC", grpc, ""), ("Data", dataDirectory, summary),
    ]
    let column = rows.filter { !$0.2.isEmpty }.map(\.1.displayWidth).max() ?? 0
    for (label, value, note) in rows { lines.append(row(label, value, note, column: column, appearance)) }
    lines.append("")
    lines.append(
      row("Try", "kindling build .", "Stop with Ctrl-C (twice to stop now)", column: max(column, 16), appearance)
    )
    if !warnings.isEmpty { lines.append("") }
    for warning in warnings {
      lines.append("\(appearance.paint(.warning)) \(warning.text)")
      lines.append("  " + warning.fix)
    }
    return lines
  }

  private var seconds: String {
    let hundredths = max(0, readyMilliseconds + 5) / 10
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }

  private func row(_ label: String, _ value: String, _ note: String, column: Int, _ appearance: Appearance) -> String {
    let lead = "  " + appearance.paint(label.padded(to: Self.labelWidth), .faint)
    let needed = 2 + Self.labelWidth + column + 4 + note.displayWidth
    if note.isEmpty || needed > appearance.width ?? Int.max { return lead + value }
    return lead + value.padded(to: column) + "    " + appearance.paint(note, .faint)
  }
}
