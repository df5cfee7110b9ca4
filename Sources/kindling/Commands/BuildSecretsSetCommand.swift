import API
import ArgumentParser
import Diagnostics
import Foundation
import RPC
import Terminal

/// `build secrets set`: SaveBuildSecrets, with values from wherever they need not stand on a command line.
struct BuildSecretsSetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Save credentials and secrets for the builds of your organisation",
    usage: "kindling build secrets set [options]",
    discussion: """
      A value is taken from a file by '@FILE', from standard input by '-', and where \
      '=' is left out from the environment variable of the name; so it stands in no \
      list of processes. A line end at its end is cut off.

      Example:
        kindling build secrets set --build-secret NPM_TOKEN --build-secret KEY=@key.pem
        kindling build secrets set --registry ghcr.io=@auth --git-token -
      """
  )

  @Option(
    help: ArgumentHelp(
      #"A registry's {"username","password"}, base64 of USER:TOKEN, or USER:TOKEN (repeatable)"#,
      valueName: "host=auth"))
  var registry: [String] = []

  @Option(help: ArgumentHelp("The user at the git server; most take any with a token", valueName: "name"))
  var gitUsername: String?

  @Option(help: ArgumentHelp("The token or password at the git server, or @FILE, or -", valueName: "value"))
  var gitToken: String?

  @Option(
    help: ArgumentHelp("For ARG NAME and RUN --mount=type=secret,id=NAME (repeatable)", valueName: "name[=value]"))
  var buildSecret: [String] = []

  @OptionGroup var shared: SharedOptions

  func validate() throws {
    guard !registry.isEmpty || gitToken != nil || !buildSecret.isEmpty else {
      throw ValidationError("give --registry, --git-token or --build-secret")
    }
    for word in registry where !word.contains("=") {
      throw ValidationError("'--registry \(word)' has no credentials; write HOST=AUTH, HOST=@FILE or HOST=-")
    }
    let values = registry + buildSecret.filter { $0.contains("=") }.map { $0 } + (gitToken.map { ["=" + $0] } ?? [])
    guard values.filter({ $0.hasSuffix("=-") }).count <= 1 else {
      throw ValidationError("standard input holds one value; take the others from files")
    }
  }

  func run() async throws {
    let message = try message(from: SecretInput.live())
    let access = try await ServerAccess.find(shared)
    try await access.call { client in try await client.saveBuildSecrets(message) }
    switch shared.output {
    case .json: Console.standardOutput.write(#"{"success":true}"# + "\n")
    case .table: Console.standardOutput.write("saved\n")
    }
  }

  /// What is sent; throws for what cannot be read, with its name and never with a value.
  func message(from input: SecretInput) throws(Failure) -> Dodil_Ignite_V1_SaveBuildSecretsRequest {
    var message = Dodil_Ignite_V1_SaveBuildSecretsRequest()
    for word in registry {
      let (host, value) = Self.parts(word)
      message.registryCredentials[host] = try input.value(value ?? "", of: "--registry \(host)")
    }
    if let gitToken {
      message.gitCredentials.username = gitUsername ?? ""
      message.gitCredentials.password = try input.value(gitToken, of: "--git-token")
    }
    for word in buildSecret {
      let (name, value) = Self.parts(word)
      message.buildSecrets[name] =
        if let value { try input.value(value, of: "--build-secret \(name)") } else { try input.variable(name) }
    }
    return message
  }

  private static func parts(_ word: String) -> (name: String, value: String?) {
    guard let sign = word.firstIndex(of: "=") else { return (word, nil) }
    return (String(word[..<sign]), String(word[word.index(after: sign)...]))
  }
}

/// Where the values of secrets come from.
struct SecretInput {
  var environment: [String: String]
  var standardInput: () -> Data

  static func live() -> SecretInput {
    SecretInput(
      environment: ProcessInfo.processInfo.environment,
      standardInput: { FileHandle.standardInput.readDataToEndOfFile() })
  }

  func value(_ word: String, of option: String) throws(Failure) -> String {
    if word == "-" { return try text(standardInput(), "standard input", option) }
    guard word.hasPrefix("@") else { return word }
    let path = String(word.dropFirst())
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(
        .invalidArgument, reason: "secret-unreadable", "'\(path)' of \(option) cannot be read",
        hint: "name a file that you may read; a value that begins with '@' can be given by '-'")
    }
    return try text(data, "'\(path)'", option)
  }

  func variable(_ name: String) throws(Failure) -> String {
    guard let value = environment[name] else {
      throw Failure(
        .invalidArgument, reason: "secret-unset", "--build-secret \(name): the environment has no variable '\(name)'",
        hint: "export it, or write \(name)=@FILE")
    }
    return value
  }

  private func text(_ data: Data, _ place: String, _ option: String) throws(Failure) -> String {
    guard let text = String(validating: data, as: UTF8.self) else {
      throw Failure(
        .invalidArgument, reason: "secret-not-text", "\(place) of \(option) is no text in UTF-8",
        hint: "give it as base64, and decode it where it is used")
    }
    return text.hasSuffix("\r\n") || text.hasSuffix("\n") ? String(text.dropLast()) : text
  }
}
