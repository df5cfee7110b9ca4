import Diagnostics

/// One reference a remote advertises.
package struct RemoteReference: Sendable, Hashable {
  /// `HEAD` or `refs/…`.
  package var name: String
  package var id: ObjectID
  /// What an annotated tag points at in the end, where the remote said.
  package var peeled: ObjectID?
  /// The reference a symbolic one names, as HEAD does.
  package var symbolicTarget: String?
  package init(name: String, id: ObjectID, peeled: ObjectID? = nil, symbolicTarget: String? = nil) {
    self.name = name
    self.id = id
    self.peeled = peeled
    self.symbolicTarget = symbolicTarget
  }
}

/// What is asked of a remote in one fetch.
package struct FetchRequest: Sendable, Hashable {
  package enum Filter: Sendable, Hashable {
    /// No file contents (`blob:none`).
    case noBlobs
    /// Commits alone (`tree:0`).
    case noTrees
    /// The words of the protocol.
    package var text: String { self == .noBlobs ? "blob:none" : "tree:0" }
  }
  package var wants: [ObjectID]
  /// Commits that are whole at hand; the remote leaves out what they hold.
  package var haves: [ObjectID]
  /// Commits at hand whose parents are not.
  package var shallow: [ObjectID]
  /// Generations of commits; nil asks for all of them, or for no commit at all when the wants are trees and blobs.
  package var depth: Int?
  package var filter: Filter?
  package init(
    wants: [ObjectID], haves: [ObjectID] = [], shallow: [ObjectID] = [], depth: Int? = 1, filter: Filter? = nil
  ) {
    self.wants = wants
    self.haves = haves
    self.shallow = shallow
    self.depth = depth
    self.filter = filter
  }
}

/// What a remote can do, learnt from its first answer.
package struct RemoteAbilities: Sendable, Hashable {
  package var format: ObjectID.Format
  package var filters: Bool
  /// Any commit may be asked for by name, not only advertised ones.
  package var anyWant: Bool
  /// 0, 1 or 2; nil for a local repository.
  package var protocolVersion: Int?
  package init(format: ObjectID.Format, filters: Bool, anyWant: Bool, protocolVersion: Int?) {
    self.format = format
    self.filters = filters
    self.anyWant = anyWant
    self.protocolVersion = protocolVersion
  }
}

/// How far a fetch is.
package struct GitProgress: Sendable, Hashable {
  /// The remote's own words, escapes taken out; nil when only the numbers moved.
  package var remote: String?
  package var objects: Int
  /// 0 until the pack's header came.
  package var totalObjects: Int
  /// Received over the wire.
  package var bytes: ByteCount
  package init(remote: String? = nil, objects: Int, totalObjects: Int, bytes: ByteCount) {
    self.remote = remote
    self.objects = objects
    self.totalObjects = totalObjects
    self.bytes = bytes
  }
}

/// User and token for one remote; never printed.
package struct GitCredentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
  package var username: String
  package var password: String
  package init(username: String, password: String) {
    self.username = username
    self.password = password
  }
  package var description: String { "***" }
  package var debugDescription: String { "***" }
}

/// A repository somewhere: over HTTP, over ssh, or in a folder of this machine.
///
/// `bases` are objects at hand that deltas of a thin pack may build on.
package protocol GitRemote: Sendable {
  func abilities() async throws(Failure) -> RemoteAbilities
  /// The references whose names begin with one of `prefixes` (a remote may answer with more), HEAD among them when asked;
  /// of very many those beyond `GitLimits.heldReferences` are left out, but never one whose whole name is a prefix.
  func references(prefixes: [String]) async throws(Failure) -> [RemoteReference]
  /// Pours the objects into `sink`; throws `git-want-refused` where the remote will not serve a wanted object by name.
  /// Answers the commits that are shallow now.
  func fetch(
    _ request: FetchRequest, bases: any ObjectSource, into sink: any PackSink,
    progress: @Sendable (GitProgress) throws(Failure) -> Void
  ) async throws(Failure) -> [ObjectID]
}

/// Takes what a fetch brings: either a pack's bytes as they come, or single objects.
package protocol PackSink: ObjectSink {
  /// The next bytes of a pack (gitformat-pack); the first call begins it.
  func writePack(_ bytes: UnsafeRawBufferPointer, bases: any ObjectSource) throws(Failure)
  /// The pack is over: checks its trailer, resolves what waited for a base; throws `git-pack-corrupt`.
  func endPack() throws(Failure)
  /// Objects taken so far and announced by the pack's header.
  var objectCount: Int { get }
  var announcedObjects: Int { get }
}
