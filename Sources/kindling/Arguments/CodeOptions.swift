import API
import ArgumentParser
import Diagnostics
import Foundation
import SystemPackage
import Terminal

/// Where an app's image comes from, as `app deploy` and `draft save` take it.
struct CodeOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: ArgumentHelp("Build this directory, tar or zip, below 4 MiB", valueName: "path"))
  var code: String?

  @Option(help: ArgumentHelp("Clone and build this repository", valueName: "url"))
  var gitUrl: String?

  @Option(help: ArgumentHelp("Branch, tag or commit (default: main)", valueName: "ref"))
  var gitRef: String?

  @Option(help: ArgumentHelp("Directory in the repository", valueName: "dir"))
  var gitSubPath: String?

  @Option(help: ArgumentHelp("The secret to clone with", valueName: "n"))
  var gitSecretRef: String?

  @Option(help: ArgumentHelp("Run this image", valueName: "ref"))
  var imageRef: String?

  @Option(help: ArgumentHelp("The secret to pull it with", valueName: "n"))
  var registrySecretRef: String?

  @Option(
    name: [.customShort("f"), .long], help: ArgumentHelp("The Dockerfile's path in the source", valueName: "path"))
  var dockerfilePath: String?

  @Option(help: ArgumentHelp("Build argument, or a variable's name (repeatable)", valueName: "k=v"))
  var buildArg: [String] = []

  func validate() throws {
    guard [code, gitUrl, imageRef].count(where: { $0 != nil }) == 1 else {
      throw ValidationError("give exactly one of --code, --git-url and --image-ref")
    }
    if gitUrl == nil, gitRef != nil || gitSubPath != nil || gitSecretRef != nil {
      throw ValidationError("--git-ref, --git-sub-path and --git-secret-ref say something about --git-url")
    }
    if imageRef == nil, registrySecretRef != nil {
      throw ValidationError("--registry-secret-ref says something about --image-ref, which is missing")
    }
    if imageRef != nil, !buildArg.isEmpty || dockerfilePath != nil {
      throw ValidationError("--build-arg and --dockerfile-path are for what is built; --image-ref is run as it is")
    }
    for word in buildArg where word.hasPrefix("=") || word.isEmpty {
      throw ValidationError("build argument '\(word)' has no name; write it like --build-arg NAME=VALUE")
    }
  }

  /// The source as the contract has it; packs what has to be sent. `app` is named in what to do instead.
  func source(for app: AppTarget) async throws(Failure) -> Dodil_Ignite_V1_CodeSource {
    var source = Dodil_Ignite_V1_CodeSource()
    let arguments = BuildOptions.arguments(buildArg, ProcessInfo.processInfo.environment)
    if let imageRef {
      source.image.prebuilt.imageRef = imageRef
      source.image.prebuilt.registrySecretRef = registrySecretRef ?? ""
    } else if let gitUrl {
      source.image.fromGit.url = gitUrl
      source.image.fromGit.reference = gitRef ?? ""
      source.image.fromGit.subPath = gitSubPath ?? ""
      source.image.fromGit.secretRef = gitSecretRef ?? ""
      source.image.fromGit.dockerfilePath = dockerfilePath ?? ""
      source.image.fromGit.buildArgs = arguments
    } else if let code {
      source.image.fromCode.archive = try await CodeArchive(path: FilePath(code), app: app.name).bytes(
        dockerfile: dockerfilePath)
      source.image.fromCode.dockerfilePath = dockerfilePath ?? ""
      source.image.fromCode.buildArgs = arguments
    }
    return source
  }
}
