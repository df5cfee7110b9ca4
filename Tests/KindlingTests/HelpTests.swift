import ArgumentParser
import TestSupport
import Testing

@testable import kindling

@Suite("Help texts")
struct HelpTests {
  static let commands: [(String, any ParsableCommand.Type)] = [
    ("kindling", Kindling.self), ("build", BuildCommand.self), ("build-path", BuildPathCommand.self),
    ("build-create", BuildCreateCommand.self), ("build-upload", BuildUploadCommand.self),
    ("build-get", BuildGetCommand.self), ("build-list", BuildListCommand.self), ("build-logs", BuildLogsCommand.self),
    ("build-cancel", BuildCancelCommand.self), ("image-import", ImageImportCommand.self), ("fetch", FetchCommand.self),
    ("token", TokenCommand.self), ("status", StatusCommand.self), ("executor", ExecutorCommand.self),
    ("plan", PlanCommand.self), ("queue", QueueCommand.self), ("build-secrets", BuildSecretsCommand.self),
    ("build-secrets-set", BuildSecretsSetCommand.self), ("build-secrets-clear", BuildSecretsClearCommand.self),
    ("faults", FaultsCommand.self), ("faults-set", FaultsSetCommand.self), ("faults-ls", FaultsListCommand.self),
    ("faults-clear", FaultsClearCommand.self),
    ("plan", PlanCommand.self), ("queue", QueueCommand.self), ("reset", ResetCommand.self), ("wait", WaitCommand.self),
    ("stop", StopCommand.self), ("gc", CollectCommand.self),
    ("secret", SecretCommand.self), ("secret-create", SecretCreateCommand.self),
    ("secret-list", SecretListCommand.self), ("secret-get", SecretGetCommand.self),
    ("secret-delete", SecretDeleteCommand.self), ("app", AppCommand.self), ("app-create", AppCreateCommand.self),
    ("app-get", AppGetCommand.self), ("app-list", AppListCommand.self), ("app-update", AppUpdateCommand.self),
    ("app-delete", AppDeleteCommand.self), ("app-state", AppStateCommand.self), ("app-deploy", AppDeployCommand.self),
    ("app-logs", AppLogsCommand.self), ("draft", DraftCommand.self), ("draft-save", DraftSaveCommand.self),
    ("draft-info", DraftInfoCommand.self), ("draft-compile", DraftCompileCommand.self),
    ("draft-compile-logs", DraftCompileLogsCommand.self), ("draft-test", DraftTestCommand.self),
    ("draft-publish", DraftPublishCommand.self), ("version", VersionCommand.self),
    ("version-list", VersionListCommand.self), ("version-get", VersionGetCommand.self),
    ("version-rollback", VersionRollbackCommand.self), ("version-test", VersionTestCommand.self),
    ("invoke", InvokeCommand.self), ("execution", ExecutionCommand.self), ("execution-get", ExecutionGetCommand.self),
    ("execution-watch", ExecutionWatchCommand.self),
  ]

  @Test("are golden, fit 40 lines of 80 columns, and begin with an example", arguments: commands.indices)
  func golden(index: Int) throws {
    let (name, command) = Self.commands[index]
    let lines = Kindling.helpMessage(for: command, columns: 80).split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 41, "\(name) has \(lines.count) lines")
    #expect(lines.allSatisfy { $0.count <= 80 }, "\(name)")
    #expect(lines.contains { $0.hasPrefix("Example") || $0.contains("kindling build .") }, "\(name)")
    try Golden.expect("help-" + name, lines.map(String.init))
  }
}
