import Diagnostics
import Foundation
import Service
import SystemPackage
import Terminal

/// Gives a directory without a Dockerfile a starter one, where its owner wants it. Never writes over anything.
struct Scaffold: Sendable {
  /// `--scaffold` and `--no-scaffold`; nil asks on a terminal and writes nothing elsewhere.
  let choice: Bool?
  let directory: FilePath
  /// Asks a question with yes for an answer; nil where nobody can be asked.
  var ask: (@Sendable (String) -> Bool)? = Self.terminal

  /// Throws `dockerfile-missing` when there is neither a Dockerfile nor leave to write one, with the stack that was
  /// recognised; leaves everything else that is wrong with the directory to whoever reads it.
  func settle(dockerfile: String) throws(Failure) {
    let path = directory.appending(dockerfile)
    guard choice != false, !FileManager.default.fileExists(atPath: path.string),
      let names = try? FileManager.default.contentsOfDirectory(atPath: directory.string)
    else { return }
    let directory = directory
    guard
      let starter = try StarterDockerfile.detect(
        names: Set(names), read: { SmallFile.text(of: directory.appending($0)) })
    else {
      guard choice == true else { return }
      throw missing(
        dockerfile,
        "there is none to begin with: a starter needs \(StarterDockerfile.knownFiles.joined(separator: ", "))")
    }
    guard choice == true || ask?("no \(path); write a starter for \(starter.stack.rawValue)? [Y/n] ") == true else {
      throw missing(dockerfile, "write a starter for \(starter.stack.rawValue), since \(starter.evidence): --scaffold")
    }
    try write(starter, to: path)
    Console.standardError.write(
      "wrote \(path), a starter for \(starter.stack.rawValue), since \(starter.evidence); keep and change it\n")
  }

  private func write(_ starter: StarterDockerfile, to path: FilePath) throws(Failure) {
    do {
      let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
      try file.closeAfter { _ = try file.writeAll(Array(starter.text.utf8)) }
    } catch {
      throw Failure(
        .failedPrecondition, reason: "dockerfile-not-written", "'\(path)' cannot be written",
        hint: "make the directory writable, or write the Dockerfile elsewhere and name it with --dockerfile",
        cause: String(describing: error))
    }
  }

  private func missing(_ dockerfile: String, _ hint: String) -> Failure {
    Failure(
      .invalidArgument, reason: "dockerfile-missing", "there is no '\(dockerfile)' in '\(directory)'", hint: hint)
  }

  private static let terminal: (@Sendable (String) -> Bool)? = {
    guard isatty(0) == 1, Console.standardError.isTTY else { return nil }
    return { question in
      Console.standardError.write(question)
      guard let answer = readLine()?.lowercased() else { return false }
      return ["", "y", "yes"].contains(answer)
    }
  }()
}
