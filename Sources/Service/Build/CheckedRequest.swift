import Diagnostics
import OCI

/// The members of a CreateBuild request after their checks, with defaults filled in.
struct CheckedRequest {
  /// Docker: as many as a command line holds. Here: each is looked at and written on its own, so there is an end;
  /// `ValidationTests/"CreateBuild: what it takes and what it refuses"`.
  private static let mostTags = 128

  let name: String
  let dockerfile: String
  let tags: [Tag]
  let platform: Platform

  init(_ request: BuildRequest) throws(Failure) {
    name = try Self.name(request.name)
    dockerfile = try Self.dockerfile(request.dockerfile)
    tags = try Self.tags(request.tags)
    platform = try Self.platform(request.platform)
    try Self.check(target: request.registry, "registry")
    try Self.check(target: request.repository, "repository")
    for (key, value) in request.buildArgs {
      guard BuildArgumentName.isValid(key) else {
        throw Failure(
          .invalidArgument, reason: "build-arg-invalid", "build argument name '\(Shown.text(key))' is not valid",
          hint: BuildArgumentName.rule)
      }
      guard !value.utf8.contains(0) else {
        throw Failure(
          .invalidArgument, reason: "build-arg-invalid", "the value of build argument '\(key)' holds a NUL byte",
          hint: "processes cannot be given one; put it into a file of the context")
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
        .invalidArgument, reason: "name-invalid", "build name '\(Shown.text(text))' is not valid",
        hint: "use 1 to 128 lower-case letters and digits, with single '.', '_' or '-' between them")
    }
    return text
  }

  private static func dockerfile(_ text: String) throws(Failure) -> String {
    guard !text.isEmpty else { return "Dockerfile" }
    let components = text.split(separator: "/").filter { $0 != "." }
    guard !text.hasPrefix("/"), !components.contains(".."), text.utf8.count <= 4096 else {
      throw Failure(
        .invalidArgument, reason: "dockerfile-path-invalid", "dockerfile path '\(Shown.text(text))' leaves the context",
        hint: "give a path relative to the context's root, without '..'")
    }
    guard !components.isEmpty, !text.hasSuffix("/"), !hasControls(text) else {
      throw Failure(
        .invalidArgument, reason: "dockerfile-path-invalid", "dockerfile path '\(Shown.text(text))' names no file",
        hint: "give a file relative to the context's root, such as docker/Dockerfile")
    }
    return components.joined(separator: "/")
  }

  /// Where `--push-external` sends the image, and a line of the log without it.
  private static func check(target text: String, _ member: String) throws(Failure) {
    guard text.utf8.count <= 255, !hasControls(text) else {
      throw Failure(
        .invalidArgument, reason: "push-target-invalid",
        "\(member) '\(Shown.text(text))' is longer than 255 bytes or holds control characters",
        hint: "leave registry and repository out; the image is kept in this server's own registry either way")
    }
  }

  private static func hasControls(_ text: String) -> Bool { text.utf8.contains { $0 < 0x20 || $0 == 0x7f } }

  private static func tags(_ texts: [String]) throws(Failure) -> [Tag] {
    guard texts.count <= mostTags else {
      throw Failure(
        .invalidArgument, reason: "tags-too-many", "the build has \(texts.count) tags",
        hint: "send at most \(mostTags); more can be pushed from the image that was made")
    }
    var tags: [Tag] = []
    for text in texts {
      let tag = try tag(text)
      if !tags.contains(tag) { tags.append(tag) }
    }
    return tags.isEmpty ? [.latest] : tags
  }

  private static func tag(_ text: String) throws(Failure) -> Tag {
    do throws(Failure) { return try Tag(text) } catch {
      var failure = error
      failure.message = "tag '\(Shown.text(text))' is not a valid image tag"
      throw failure
    }
  }

  private static func platform(_ text: String) throws(Failure) -> Platform {
    guard !text.isEmpty else { return .host }
    guard let platform = Platform(text) else {
      throw Failure(
        .invalidArgument, reason: "platform-invalid",
        "platform '\(Shown.text(text))' is not of the form os/architecture",
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
