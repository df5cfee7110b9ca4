import API
import Diagnostics
import SwiftProtobuf
import Terminal

/// Apps, drafts, versions and executions as people read them.
enum AppTable {
  static func list(_ apps: [Dodil_Ignite_V1_AppMeta], now: Timestamp) -> Table {
    Table(
      columns: [.init("APP"), .init("STATE"), .init("VERSION"), .init("TIER"), .init("UPDATED")],
      rows: apps.map { app in
        [
          .init(id(app)), cell(app.deploymentState), .init(app.activeVersion == 0 ? "" : "\(app.activeVersion)"),
          .init(word(app.resourceTier)), .init(age(app.updatedAtMs, now)),
        ]
      })
  }

  static func details(_ app: Dodil_Ignite_V1_AppMeta, now: Timestamp) -> [[Table.Cell]] {
    var rows: [[Table.Cell]] = [["App", .init(id(app))], ["State", cell(app.deploymentState)]]
    func add(_ title: String, _ text: String) { rows.append([.init(title), .init(text)]) }
    add("Version", app.activeVersion == 0 ? "none published" : "\(app.activeVersion)")
    add("Image", app.imageRef)
    add("Tier", word(app.resourceTier))
    if app.hasLimits { add("Limits", "\(app.limits.memoryMb) MB, \(app.limits.cpuMillicores) millicores") }
    if app.hasScaling {
      add("Replicas", "\(app.scaling.reservedCapacity) reserved, \(app.scaling.maxReplicas) at most")
    }
    add("Health", app.healthPath)
    add("Ports", app.ports.map { "\($0)" }.joined(separator: ", "))
    if app.allowUnauthenticated { add("Open", "calls by host name need no token") }
    for (index, variable) in app.env.sorted(by: { $0.key < $1.key }).enumerated() {
      add(index == 0 ? "Variables" : "", "\(variable.key)=\(variable.value)")
    }
    add("About", app.description_p)
    add("Created", age(app.createdAtMs, now))
    add("Updated", age(app.updatedAtMs, now))
    return rows
  }

  static func details(_ draft: Dodil_Ignite_V1_DraftInfo, now: Timestamp) -> [[Table.Cell]] {
    [
      ["Draft", cell(draft.status)], ["Code", .init(draft.codeHash)],
      ["Kind", .init(word(draft.codeKind))], ["Image", .init(draft.imageRef)],
      ["Compile", .init(draft.deployID)], ["Error", .init(draft.error, .bad)],
      ["Saved", .init(age(draft.createdAtMs, now))],
    ]
  }

  static func list(_ versions: [Dodil_Ignite_V1_AppVersionInfo], now: Timestamp) -> Table {
    Table(
      columns: [
        .init("VERSION", alignsTrailing: true), .init("STATUS"), .init("CODE"), .init("IMAGE"), .init("CREATED"),
      ],
      rows: versions.map { version in
        [
          .init("\(version.version)"), cell(version.status), .init(version.codeHash), .init(version.imageRef),
          .init(age(version.createdAtMs, now)),
        ]
      })
  }

  static func details(_ execution: Dodil_Ignite_V1_Execution) -> [[Table.Cell]] {
    let took = execution.completedAtMs > 0 ? execution.completedAtMs - execution.createdAtMs : 0
    return [
      ["Execution", .init(execution.executionID)], ["App", .init(execution.appID)],
      ["Status", cell(execution.status)],
      ["HTTP", .init(execution.statusCode == 0 ? "" : "\(execution.statusCode)")],
      ["Took", .init(took > 0 ? DurationText.compact(milliseconds: took) : "")],
      ["Error", .init(execution.error, .bad)],
    ]
  }

  // MARK: - Words

  static func cell(_ state: Dodil_Ignite_V1_DeploymentState) -> Table.Cell {
    let tint: Tint =
      switch state {
      case .active: .good
      case .failed: .bad
      case .deploying: .active
      default: .plain
      }
    return Table.Cell(word(state), tint)
  }

  static func cell(_ status: Dodil_Ignite_V1_VersionStatus) -> Table.Cell {
    let tint: Tint =
      switch status {
      case .active, .compiled: .good
      case .failed: .bad
      case .compiling: .active
      case .superseded: .faint
      default: .plain
      }
    return Table.Cell(word(status), tint)
  }

  static func cell(_ status: Dodil_Ignite_V1_ExecutionStatus) -> Table.Cell {
    let tint: Tint =
      switch status {
      case .succeeded: .good
      case .failed: .bad
      case .running: .active
      default: .plain
      }
    return Table.Cell(word(status), tint)
  }

  /// The API writes `org/name`, the command line `org:name`.
  private static func id(_ app: Dodil_Ignite_V1_AppMeta) -> String { "\(app.organizationName):\(app.name)" }

  private static func age(_ milliseconds: Int64, _ now: Timestamp) -> String {
    milliseconds > 0 ? DurationText.age(milliseconds: now.milliseconds - milliseconds) : ""
  }

  /// A value's name in the contract's spelling; empty for the one that says nothing.
  private static func word(_ value: some SwiftProtobuf.Enum) -> String {
    guard value.rawValue != 0 else { return "" }
    var text = ""
    for letter in String(describing: value) {
      if letter.isUppercase { text += "_" }
      text += letter.uppercased()
    }
    return text
  }
}
