import ArgumentParser

/// `invoke APP`.
struct InvokeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "invoke",
    abstract: "Call an app and print what it answers",
    usage: "kindling invoke <app> [-p <text>] [options]",
    discussion: """
      The body is printed as it comes and nothing else; exits with 1 when the \
      answer's status is 400 or more, which is told on standard error. With -o \
      json it is one object: statusCode, headers, executionId and body (base64).

      Example:
        kindling invoke hello -p '{"name": "world"}'
        kindling invoke acme:hello --method GET --path '/items?limit=3'
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @OptionGroup var call: CallOptions
  @OptionGroup var shared: SharedOptions

  func run() async throws {
    try await AppCalling(app: try await AppTarget.find(app, shared), call: call, output: shared.output).invoke()
  }
}
