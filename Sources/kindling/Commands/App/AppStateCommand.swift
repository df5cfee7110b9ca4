import API
import ArgumentParser
import RPC
import Terminal

/// `app state NAME`.
struct AppStateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "state",
    abstract: "Show how an app is served now",
    usage: "kindling app state <app> [options]",
    discussion: """
      Example:
        kindling app state hello
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    var request = Dodil_Ignite_V1_GetAppStateRequest()
    request.organizationName = app.organization
    request.appName = app.name
    let message = request
    let state = try await app.access.call { try await $0.getAppState(message) }
    guard shared.output == .table else { return try Messages.print(state) }
    var rows: [[Table.Cell]] = [
      ["App", .init(app.id)], ["State", AppTable.cell(state.deploymentState)],
      ["Version", .init(state.activeVersion == 0 ? "none published" : "\(state.activeVersion)")],
      ["Ready", .init("\(state.readyReplicas) replica\(state.readyReplicas == 1 ? "" : "s")")],
    ]
    for (index, url) in state.urls.enumerated() { rows.append([index == 0 ? "Address" : "", .init(url)]) }
    rows.append(["Error", .init(state.error, .bad)])
    Details.print(rows)
  }
}
