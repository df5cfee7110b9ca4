/// COPY or ADD: what goes where.
package struct TransferInstruction: Sendable, Hashable {
  /// One thing to copy.
  package enum Source: Sendable, Hashable {
    /// A word: a path or pattern in the context or in `from`; for ADD also a URL or git reference.
    case path(String)
    case heredoc(Heredoc)
  }

  /// ADD rather than COPY: archives are unpacked and URLs fetched.
  package let isAdd: Bool
  /// In the order written; never empty.
  package let sources: [Source]
  /// A word.
  package let destination: String
  /// Stage name, stage number, named context or image; not expanded.
  package let from: String?
  /// A word: `user[:group]`.
  package let chown: String?
  /// A word: octal or symbolic.
  package let chmod: String?
  /// `--link`: the layer does not depend on what lies below it.
  package let link: Bool
  /// `--parents`: keep the sources' directories.
  package let parents: Bool
  /// Words, in ignore-file syntax, relative to each source.
  package let exclude: [String]
  /// A word, for ADD: `sha256:…` or a git commit.
  package let checksum: String?
  package let keepGitDir: Bool
  /// `--unpack`; nil leaves it to what the source is.
  package let unpack: Bool?
}
