import Diagnostics
import SystemPackage

/// A repository in a folder of this machine, bare or with a work tree, read without git and without obeying it.
package struct LocalRepository: GitRemote {
  private let layout: LocalLayout
  private let limits: GitLimits

  /// Throws `git-repository-unknown` when there is none at `path`, and `git-repository-owner`,
  /// `git-repository-unsafe` or `git-repository-unsupported` for one that is not to be used.
  package init(path: FilePath, limits: GitLimits = GitLimits()) throws(Failure) {
    layout = try LocalLayout(path)
    self.limits = limits
  }

  package func abilities() async throws(Failure) -> RemoteAbilities {
    RemoteAbilities(format: layout.format, filters: true, anyWant: true, protocolVersion: nil)
  }

  package func references(prefixes: [String]) async throws(Failure) -> [RemoteReference] {
    let references = try LocalReferences(layout, limits: limits)
    let objects = try LocalObjects(layout, limits: limits)
    var answer: [RemoteReference] = []
    for name in Set(references.direct.keys).union(references.symbolic.keys).sorted() {
      try checkGitCancellation()
      guard prefixes.isEmpty || prefixes.contains(where: name.hasPrefix), let id = references.resolve(name) else {
        continue
      }
      var peeled = references.peeled[name]
      if peeled == nil, name.hasPrefix("refs/tags/"), !references.plain.contains(name) {
        peeled = try LocalWalk.peel(id, objects)
      }
      answer.append(
        RemoteReference(name: name, id: id, peeled: peeled, symbolicTarget: references.symbolic[name]))
    }
    return answer
  }

  package func fetch(
    _ request: FetchRequest, bases: any ObjectSource, into sink: any PackSink,
    progress: @Sendable (GitProgress) throws(Failure) -> Void
  ) async throws(Failure) -> [ObjectID] {
    let objects = try LocalObjects(layout, limits: limits)
    let walk = LocalWalk(request, objects, shallow: layout.shallow, bases: bases, sink: sink, limits: limits)
    return try walk.run(progress)
  }
}
