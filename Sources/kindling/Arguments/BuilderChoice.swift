import ArgumentParser
import Diagnostics
import Foundation
import Service

/// What builds images: `start --builder`.
enum BuilderChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
  case sandbox, scripted

  /// The script of `--script`; nil where images are really built.
  func script(file: String?) throws(Failure) -> BuildScript? {
    guard self == .scripted else {
      guard let file else { return nil }
      throw Failure(
        .invalidArgument, reason: "script-unused", "'--script \(file)' is for builds that are scripted",
        hint: "add --builder scripted")
    }
    guard let file else { return BuildScript() }
    guard let data = FileManager.default.contents(atPath: file) else {
      throw Failure(
        .invalidArgument, reason: "script-unreadable", "'--script \(file)' cannot be read",
        hint: "name a file of JSON that you may read")
    }
    return try BuildScript(json: Array(data), file: file)
  }
}
