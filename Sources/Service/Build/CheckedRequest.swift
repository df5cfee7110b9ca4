import Diagnostics
import OCI

/// The members of a CreateBuild request after their checks, with defaults filled in.
struct CheckedRequest {
  let name: String
  let dockerfile: String
  let tags: [Tag]
  let platform: Platform

  init(_ request: BuildRequest) throws(Failure) {
    name = try Self.name(request.name)
    dockerfile = try Self.dockerfile(request.dockerfile)
    tags = try Self.tags(request.tags)
    platform = try Self.platform(request.platform)
    for (key, value) in request.buildArgs {
      guard !key.isEmpty, !key.contains("="), !key.utf8.contains(0) else {
        throw Failure(.invalidArgument, reason: "build-arg-invalid", "build argument name '\(key)' is not valid")
      }
      guard !value.utf8.contains(0) else {
        throw Failure(
          .invalidArgument, reason: "build-arg-invalid", "the value of build argument '\(key)' holds a NUL byte")
      }
    }
  }

  private static func name(_ text: String) throws(Failure) -> String {
    guard !text.isEmpty else {
      throw Failure(
        .invalidArgument, reason: "name-missing", "the build has no name",
        hint: "name it; the image becomes ORGANISATION/NAME:TAG")
    }
    guard text.utf8.count <= 128, Repository.isComponent(text) else {
      throw Failure(
        .invalidArgument, reason: "name-invalid", "build name '\(text)' is not valid",
        hint: "use 1 to 128 lower-case letters and digits, with single '.', '_' or '-' between them")
    }
    return text
  }

  private static func dockerfile(_ text: String) throws(Failure) -> String {
    guard !text.isEmpty else { return "Dockerfile" }
    let components = text.split(separator: "/")
    guard !text.hasPrefix("/"), !components.contains(".."), !text.contains("\0"), text.utf8.count <= 4096 else {
      throw Failure(
        .invalidArgument, reason: "dockerfile-path-invalid", "dockerfile path '\(text)' leaves the context",
        hint: "give a path relative to the context's root, without '..'")
    }
    return components.filter { $0 != "." }.joined(separator: "/")
  }

  private static func tags(_ texts: [String]) throws(Failure) -> [Tag] {
    var tags: [Tag] = []
    for text in texts {
      let tag = try Tag(text)
      if !tags.contains(tag) { tags.append(tag) }
    }
    return tags.isEmpty ? [.latest] : tags
  }

  private static func platform(_ text: String) throws(Failure) -> Platform {
    guard !text.isEmpty else { return .host }
    guard let platform = Platform(text) else {
      throw Failure(
        .invalidArgument, reason: "platform-invalid", "platform '\(text)' is not of the form os/architecture",
        hint: "for example linux/amd64")
    }
    guard platform.matches(.host) else {
      throw Failure(
        .invalidArgument, reason: "platform-unsupported", "platform '\(platform)' cannot be built on this machine",
        hint: "this machine builds \(Platform.host); nothing is emulated")
    }
    return platform
  }
}
