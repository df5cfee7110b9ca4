import Archive
import Diagnostics
import SystemPackage

extension BuildOrder {
  /// The Dockerfile's text: from the context, or from where `hostDockerfile` says.
  func dockerfileText(in context: BuildContext) throws(Failure) -> String {
    guard let path = hostDockerfile else { return try context.dockerfile(dockerfile) }
    let bytes: [UInt8]
    do throws(Failure) {
      bytes = try FileReader(path: path).contents(limit: BuildContext.dockerfileLimit)
    } catch {
      guard error.code == .notFound else { throw error }
      throw Failure(
        .invalidArgument, reason: "dockerfile-missing",
        "there is no '\(path)': please provide a valid path to a Dockerfile within the build context with --dockerfile",
        cause: error.cause)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.invalidArgument, reason: "dockerfile-not-text", "'\(path)' is not UTF-8 text")
    }
    return text
  }
}
