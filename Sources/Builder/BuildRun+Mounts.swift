import Archive
import Diagnostics
import OCI
import Storage
import SystemPackage

// What the mounts of a RUN show of the context, of stages and of images.
extension BuildRun {
  /// In the order of the mounts; throws `mount-source-missing` where nothing is there.
  func mountOrigins(of action: RunAction, in build: StageBuild) throws(Failure) -> [MountOrigin] {
    var origins: [MountOrigin] = []
    for mount in action.mounts { origins.append(try origin(of: mount, in: build)) }
    return origins
  }

  private func origin(of mount: RunMount, in build: StageBuild) throws(Failure) -> MountOrigin {
    switch mount.origin {
    case nil: return MountOrigin(files: .none, identity: "")
    case .context: return try origin(of: mount, in: contexts.own, "the context")
    case .named(let name): return try origin(of: mount, in: contexts.named(name), "context '\(name)'")
    case .stage(let index):
      guard let used = stages[index] else {
        throw Failure(.internal, reason: "plan-order", "stage \(index) was not built before it was mounted")
      }
      return try origin(of: mount, in: used, "stage '\(used.stage.title)'")
    case .image(let image):
      let used = StageBuild(build.stage, layers: try layers(of: image), history: [])
      return try origin(of: mount, in: used, "image '\(image.reference)'")
    }
  }

  private func origin(of mount: RunMount, in files: ContextFiles, _ place: String) throws(Failure) -> MountOrigin {
    let path = try find(mount.originPath, in: files.context, place)
    return MountOrigin(files: .context(files, path), identity: "context \(try files.digest(of: path))")
  }

  private func origin(of mount: RunMount, in used: StageBuild, _ place: String) throws(Failure) -> MountOrigin {
    let path = try find(mount.originPath, in: try used.tree(builder.layers, scratch), place)
    let identity = used.layers.map(\.identity.description).joined(separator: " ")
    return MountOrigin(files: .layers(used, path), identity: "layers \(identity)")
  }

  /// The path with its links followed.
  private func find(_ path: String, in tree: some SourceTree, _ place: String) throws(Failure) -> FilePath {
    let found = try tree.resolve(FilePath(root: nil, FilePath(path).components), followLast: true)
    if try tree.node(found) != nil { return found }
    let isIgnored = (tree as? BuildContext)?.isIgnored(found) == true
    throw Failure(
      .invalidArgument, reason: "mount-source-missing", "\(place) has no '\(path)' to mount",
      hint: isIgnored ? "a line of .dockerignore leaves it out" : "source is a path inside \(place)")
  }
}
