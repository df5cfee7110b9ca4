/// One entry of a tree as the walk meets it.
struct TreeItem: Sendable, Hashable {
  /// From the walk's root, without a slash at either end.
  var path: [UInt8]
  var mode: TreeEntry.Mode
  var id: ObjectID
  /// Where the content lies; nil for directories, submodules and blobs that were not fetched.
  var content: StoredObject?
}
