import Diagnostics

/// Recognises what Git LFS commits in place of a file (its spec.md, "The Pointer").
enum LargeFilePointer {
  private static let firstLine = Array("version https://git-lfs.github.com/spec/v1\n".utf8)
  /// A pointer is smaller than this; what is shorter than its lines can be is not read at all.
  private static let sizes: ClosedRange<Int64> = 120...1024

  static func isPointer(_ content: StoredObject, _ contents: ObjectContents) throws(Failure) -> Bool {
    guard sizes.contains(content.size) else { return false }
    return try contents.bytes(of: content, prefix: Int64(firstLine.count)) == firstLine
  }
}
