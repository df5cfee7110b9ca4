import Diagnostics

/// A tree and where it goes: the commit's own at the root, those of submodules below it.
struct MountedTree: Sendable {
  /// Below what is asked for, without a slash at either end; empty for the root.
  var prefix: [UInt8]
  var tree: ObjectID
  var source: ObjectSources
  /// Of the commit, in Unix seconds.
  var time: Int64
}

/// Everything one order brings, and what to say about it.
struct MountedTrees: Sendable {
  /// The commit's own first, each before those inside it.
  var trees: [MountedTree]
  var notes: [String] = []
  /// Counted before anything is written.
  var survey = TreeSurvey()
}
