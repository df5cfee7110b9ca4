import Builder
import Diagnostics
import Foundation
import Git
import Service
import SystemPackage

/// What `--build-context NAME=…` says, told apart as buildx does; nothing was looked up on the machine yet.
struct NamedContextWords: Sendable, Hashable {
  enum Place: Sendable, Hashable {
    case image(String)
    case stage(String)
    /// As written, which is also the reference that means it.
    case layout(String, LayoutImages.Place)
    case git(String)
    case path(FilePath)
  }

  private(set) var places: [String: Place] = [:]

  init() {}

  /// Each word is `NAME=…`; the last one of a name counts. Throws `build-context-invalid`.
  init(_ words: [String]) throws(Failure) {
    for word in words {
      guard let equals = word.firstIndex(of: "="), equals != word.startIndex else {
        throw Failure(
          .invalidArgument, reason: "build-context-invalid", "'--build-context \(word)' is not NAME=CONTEXT",
          hint: Self.forms)
      }
      places[String(word[..<equals])] = try Self.place(String(word[word.index(after: equals)...]))
    }
  }

  private static let forms =
    "a context is DIR, an archive, docker-image://REF, target:STAGE, oci-layout://DIR[:TAG|@DIGEST] or a git address"

  private static func place(_ text: String) throws(Failure) -> Place {
    func rest(_ scheme: String) -> String? { text.hasPrefix(scheme) ? String(text.dropFirst(scheme.count)) : nil }
    if let reference = rest("docker-image://") { return .image(reference) }
    if let stage = rest("target:") { return .stage(stage) }
    if text.hasPrefix(LayoutImages.Place.scheme) { return .layout(text, try LayoutImages.Place(text)) }
    if GitAddress.isGit(text) || text.hasPrefix("file://") { return .git(text) }
    if let path = rest("dir://") ?? rest("tar://") { return .path(FilePath(path)) }
    guard !text.contains("://"), !text.isEmpty else {
      throw Failure(
        .invalidArgument, reason: "build-context-invalid", "named context '\(text)' cannot be read", hint: forms)
    }
    return .path(FilePath(text))
  }

  /// The contexts, their folders and archives found on this machine. Throws `context-missing`.
  func contexts() throws(Failure) -> [String: NamedContext] {
    var contexts: [String: NamedContext] = [:]
    for (name, place) in places {
      switch place {
      case .image(let reference): contexts[name] = .image(reference)
      case .stage(let stage): contexts[name] = .stage(stage)
      case .layout(let reference, _): contexts[name] = .image(reference)
      case .git(let address): contexts[name] = .git(address)
      case .path(let path): contexts[name] = .files(try Self.source(path, name))
      }
    }
    return contexts
  }

  private static func source(_ path: FilePath, _ name: String) throws(Failure) -> BuildOrder.Source {
    var isDirectory = ObjCBool(false)
    guard FileManager.default.fileExists(atPath: path.string, isDirectory: &isDirectory) else {
      throw Failure(
        .invalidArgument, reason: "context-missing", "there is no '\(path)' for the named context '\(name)'",
        hint: "relative paths begin at the working directory")
    }
    return isDirectory.boolValue ? .directory(path) : .archive(path)
  }

  /// The layouts by the references that mean them.
  var layouts: [String: LayoutImages.Place] {
    var layouts: [String: LayoutImages.Place] = [:]
    for case .layout(let reference, let place) in places.values { layouts[reference] = place }
    return layouts
  }

  /// The repositories that whoever gave the command named, and no Dockerfile.
  var repositories: Set<String> {
    Set(places.values.compactMap { if case .git(let address) = $0 { address } else { nil } })
  }
}
