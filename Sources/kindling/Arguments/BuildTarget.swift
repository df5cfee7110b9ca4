import Diagnostics
import Foundation
import Git
import OCI
import SystemPackage

/// What the short hand `build PATH|GIT-URL` means.
enum BuildTarget: Sendable, Hashable {
  case directory(FilePath)
  /// `#reference` and `#reference:directory` may follow the address.
  case git(url: String, reference: String, directory: String)

  /// Only words with a `/`, a `.` or `://` are a place; others are a command that doesn't exist. Throws `build-unknown`,
  /// and `git-address-…` for an address that is none or that has a password in it, which progress would show.
  init(_ text: String) throws(Failure) {
    guard text.contains("/") || text.contains(".") else {
      let known = Words.names(below: BuildCommand.self)
      let meant = Nearest.word(to: text, among: known).map { "did you mean 'kindling build \($0)'?" }
      throw Failure(
        .invalidArgument,
        reason: "build-unknown",
        "'\(text)' is neither a build command nor a path",
        hint: meant ?? "a path holds a '/' or a '.': kindling build ./\(text)"
      )
    }
    guard text.contains("://") || GitAddress.isGit(text) else {
      self = .directory(FilePath(text))
      return
    }
    let address = try GitAddress(parsing: text)
    self = .git(
      url: address.url, reference: address.commit?.hex ?? address.reference ?? "",
      directory: address.subdirectory ?? "")
  }

  /// The image's name when none is given: the directory's or the repository's, as far as it can be one.
  func name(workingDirectory: String) throws(Failure) -> String {
    let last: String
    switch self {
    case .directory(let path):
      let whole = path.isAbsolute ? path : FilePath(workingDirectory).pushing(path)
      last = whole.lexicallyNormalized().lastComponent?.string ?? ""
    case .git(let url, _, _):
      let component = url.split(separator: "/").last.map(String.init) ?? ""
      last = component.hasSuffix(".git") ? String(component.dropLast(4)) : component
    }
    let words = last.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
    let name = words.joined(separator: "-")
    guard Repository.isComponent(name) else {
      throw Failure(
        .invalidArgument,
        reason: "name-missing",
        "no image name can be made from '\(last)'",
        hint: "give one with --name"
      )
    }
    return name
  }
}
