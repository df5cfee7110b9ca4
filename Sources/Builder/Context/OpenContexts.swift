import Archive
import Diagnostics
import SystemPackage

/// The contexts that the steps of one build read: its own, and the named ones that its stages use.
struct OpenContexts: Sendable {
  private struct Named: Sendable {
    var files: ContextFiles
    /// Keeps what a fetched context reads.
    var lease: (any Sendable)?
  }

  let own: ContextFiles
  private var named: [String: Named] = [:]
  private let xattrs: OverlayXattrs

  init(_ context: BuildContext, scratch: ScratchFolder, xattrs: OverlayXattrs) {
    own = ContextFiles(context, scratch: scratch, xattrs: xattrs)
    self.xattrs = xattrs
  }

  /// Opens the named contexts that the plan reads, and those alone.
  mutating func open(
    _ plan: BuildPlan, of order: BuildOrder, trees: any RemoteTrees, scratch: ScratchFolder,
    reporter: any BuildReporter
  ) async throws(Failure) {
    for name in plan.contextNames {
      let source: BuildOrder.Source
      var lease: (any Sendable)?
      var ignoreFiles: [FilePath] = [".dockerignore"]
      switch order.namedContexts.first(where: { ContextName.key(of: $0.key) == name })?.value {
      case .files(let files): source = files
      case .git(let address):
        let remote = RemoteTreeOrder(source: address)
        let tree = try await trees.fetch(remote, for: order.organization, watch: reporter.watch)
        // BuildKit: a repository has no .dockerignore of its own when it is a named context.
        (source, lease, ignoreFiles) = (.tree(tree.index), tree.lease, [])
        try reporter.report(
          .note("context '\(name)' is commit \(tree.commit) of \(RemoteSource.shown(address))"))
      case .image, .stage, nil:
        throw Failure(.internal, reason: "plan-order", "context '\(name)' holds no files and was planned as if it did")
      }
      let context = try BuildContext(source, scratch: scratch.file("context"), ignoreFiles: ignoreFiles)
      try reporter.report(.note("context '\(name)': \(context.summary.files) files, \(context.summary.size)"))
      named[name] = Named(files: ContextFiles(context, scratch: scratch, xattrs: xattrs), lease: lease)
    }
  }

  /// A named context; throws for one that was not opened.
  func named(_ name: String) throws(Failure) -> ContextFiles {
    guard let found = named[name] else {
      throw Failure(.internal, reason: "plan-order", "context '\(name)' was not opened before it was read")
    }
    return found.files
  }
}

extension BuildPlan {
  /// The named contexts that steps of the plan read, by the keys of their names.
  var contextNames: [String] {
    var names: Set<String> = []
    for step in stages.flatMap(\.steps) {
      switch step.action {
      case .copy(let action): if case .named(let name) = action.origin { names.insert(name) }
      case .run(let action): for case .named(let name)? in action.mounts.map(\.origin) { names.insert(name) }
      case .makeDirectory, .configure: break
      }
    }
    return names.sorted()
  }
}
