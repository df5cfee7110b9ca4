import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `app deploy NAME`: create or update, save, compile, publish.
struct AppDeployCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deploy",
    abstract: "Build code, run it as an app, and print its address",
    usage: "kindling app deploy <app> --code <path> [options]",
    discussion: """
      Example:
        kindling app deploy hello --code . --allow-unauthenticated
      """
  )

  // Hidden to keep the help on one page; the usage and the example show it.
  @Argument(help: .hidden)
  var app: String

  @OptionGroup var code: CodeOptions
  @OptionGroup var options: AppOptions

  @Flag(help: ArgumentHelp("Show the compile's log with -o json too", visibility: .hidden))
  var follow = false

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    if let warning = options.warning { Console.standardError.write(warning + "\n") }
    let source = try await code.source(for: app)
    let isNew = try await create(app)
    if !isNew, options.storageMode != nil {
      Console.standardError.write("--storage-mode: kept from when the app was made, so it is ignored\n")
    }
    var save = Dodil_Ignite_V1_SaveDraftRequest()
    save.organizationName = app.organization
    save.appName = app.name
    save.code = source
    let draft = save
    let saved = try await app.access.call { try await $0.saveDraft(draft) }.draft
    let follower = CompileFollower(app: app, isShown: follow || shared.output == .table)
    _ = try await follower.compile(saved.codeHash)
    // Not before: what runs now goes on as it is when the new code does not compile.
    if !isNew { try await configure(app) }
    try await DraftPublishCommand.publish(app, shared.output)
  }

  /// Makes the app where it is missing; whether it was.
  private func create(_ app: AppTarget) async throws(Failure) -> Bool {
    var request = Dodil_Ignite_V1_GetAppRequest()
    request.organizationName = app.organization
    request.appName = app.name
    let message = request
    do throws(Failure) {
      _ = try await app.access.call { try await $0.getApp(message) }
      return false
    } catch {
      guard error.code == .notFound else { throw error }
      let creation = options.creation(of: app)
      _ = try await app.access.call { try await $0.createApp(creation) }
      return true
    }
  }

  /// Gives the app what was asked for now.
  private func configure(_ app: AppTarget) async throws(Failure) {
    guard !options.isEmpty else { return }
    let change = options.change(of: app)
    _ = try await app.access.call { try await $0.updateAppConfig(change) }
  }
}
