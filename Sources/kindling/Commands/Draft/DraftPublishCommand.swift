import API
import ArgumentParser
import RPC
import Service
import Terminal

/// `draft publish APP`.
struct DraftPublishCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish",
    abstract: "Freeze an app's draft as the next version and serve it",
    usage: "kindling draft publish <app> [options]",
    discussion: """
      A draft that has no image yet is compiled first. Prints the app's address; fails \
      when the version does not become ready.

      Example:
        kindling draft publish hello
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    try await Self.publish(try await AppTarget.find(app, shared), shared.output)
  }

  /// Publishes, and says where the app is and how to call it.
  static func publish(_ app: AppTarget, _ output: OutputFormat) async throws {
    var request = Dodil_Ignite_V1_PublishDraftRequest()
    request.organizationName = app.organization
    request.appName = app.name
    let message = request
    let readiness = try await VersionReadiness(app)
    let answer = try await app.access.stream { try await $0.publishDraft(message) }
    guard output == .table else {
      try Messages.print(answer)
      try await readiness.check(answer.version)
      return
    }
    let state = try await readiness.check(answer.version)
    for url in answer.urls { Console.standardOutput.write(url + "\n") }
    guard let url = answer.urls.first else {
      Console.standardError.write(lines: [
        "version \(answer.version) of \(app.id) is published; \(state.error)",
        "  call  kindling invoke \(app.id) -p '{}'",
      ])
      return
    }
    let words = app.organization == IdentityService.defaultOrganization ? "" : " --org \(app.organization)"
    let token = answer.app.allowUnauthenticated ? "" : " -H \"Authorization: Bearer $(kindling token\(words))\""
    Console.standardError.write(lines: [
      "version \(answer.version) of \(app.id) is published; it starts with its first call",
      "  call  curl\(token) \(url)", "        kindling invoke \(app.id) -p '{}'",
    ])
  }
}
