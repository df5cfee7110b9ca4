import API
import ArgumentParser
import Diagnostics

/// What a build is asked for, wherever its files come from.
struct BuildOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "Image tag; repeat for more (default: latest)")
  var tag: [String] = []

  @Option(
    name: [.customShort("f"), .long, .customLong("file")],
    help: ArgumentHelp("The Dockerfile's path in the context", valueName: "path")
  )
  var dockerfile = "Dockerfile"

  @Option(help: ArgumentHelp("Build argument; without a value it is taken from the environment", valueName: "k=v"))
  var buildArg: [String] = []

  @Option(help: ArgumentHelp("Such as linux/amd64 (default: the server's own)", valueName: "os/arch"))
  var platform: String?

  @Flag(help: "Run every step anew")
  var noCache = false

  @Option(help: ArgumentHelp("End the build as FAILED after this time, such as 90 or 1h", valueName: "time"))
  var buildTimeout: TimeSpan?

  @Flag(inversion: .prefixedNo, help: "Write a starter Dockerfile where there is none")
  var scaffold: Bool?

  @Option(help: .hidden)
  var buildContext: [String] = []

  func validate() throws {
    guard buildContext.isEmpty else {
      throw ValidationError(
        "--build-context is not for builds of a server: the platform's CreateBuild has no field for named contexts. "
          + "Use 'kindling executor --build-context …', or put the files into the context")
    }
    for argument in buildArg where argument.hasPrefix("=") || argument.isEmpty {
      throw ValidationError("build argument '\(argument)' has no name; write it like --build-arg NAME=VALUE")
    }
  }

  /// The request without its source.
  func request(name: String, environment: [String: String]) -> Dodil_Ignite_V1_CreateBuildRequest {
    var request = Dodil_Ignite_V1_CreateBuildRequest()
    request.name = name
    request.dockerfile = dockerfile
    request.tags = tag
    request.buildArgs = arguments(environment)
    request.platform = platform ?? ""
    request.noCache = noCache
    request.timeoutSecs = buildTimeout?.seconds ?? 0
    return request
  }

  /// Docker: `--build-arg NAME` passes the caller's variable on, and nothing when it isn't set.
  func arguments(_ environment: [String: String]) -> [String: String] { Self.arguments(buildArg, environment) }

  /// The same for words given elsewhere.
  static func arguments(_ words: [String], _ environment: [String: String]) -> [String: String] {
    var arguments: [String: String] = [:]
    for argument in words {
      if let equals = argument.firstIndex(of: "=") {
        arguments[String(argument[..<equals])] = String(argument[argument.index(after: equals)...])
      } else if let value = environment[argument] {
        arguments[argument] = value
      }
    }
    return arguments
  }
}
