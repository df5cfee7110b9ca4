import Archive
import Diagnostics
import SystemPackage

/// Chooses a Dockerfile for a context that has none.
package typealias StarterChoice = @Sendable (_ root: ContextRoot) throws(Failure) -> ChosenStarter

/// What lies at a context's root, .dockerignore aside.
package struct ContextRoot {
  package let names: Set<String>
  /// A file's bytes; nil where there is none or it is larger than a Dockerfile may be.
  package let contents: (String) -> [UInt8]?
}

/// A Dockerfile's text, and a line for the log that says where it came from.
package struct ChosenStarter: Sendable {
  package var text: String
  package var note: String
  package init(text: String, note: String) {
    self.text = text
    self.note = note
  }
}

extension BuildOrder {
  /// The Dockerfile's text: from the context, from where `hostDockerfile` says, or the starter, which `tell` hears of.
  func dockerfileText(
    in context: BuildContext, tell: (String) throws(Failure) -> Void = { _ in }
  ) throws(Failure) -> String {
    guard let path = hostDockerfile else {
      guard let starter, !context.hasFile(dockerfile) else { return try context.dockerfile(dockerfile) }
      let chosen = try starter(context.root)
      try tell(chosen.note)
      return chosen.text
    }
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
