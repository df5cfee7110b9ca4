import Diagnostics
import OCI

/// One `--mount` of a RUN, expanded; everything of it but a secret's value decides what the command does.
package struct RunMount: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    /// Files of the context, of a stage or of an image; nil is an empty directory. What is written is thrown away.
    case bind(CopyAction.Origin?, path: String)
    case cache(RunCache)
    case tmpfs(size: ByteCount?)
    case secret(RunSecret)
    case ssh(RunAgent)
  }

  package var kind: Kind
  /// Absolute and cleaned; nil for a secret that is only a variable.
  package var target: String?
  package var isReadOnly: Bool
}

/// A directory that is kept between builds.
package struct RunCache: Sendable, Hashable {
  package enum Sharing: String, Sendable, Hashable {
    /// Used by several commands at once.
    case shared
    /// Every command at the same time has one of its own.
    case `private`
    /// A second command waits for the first.
    case locked
  }

  package var id: String
  package var sharing: Sharing
  /// What a new one begins with; nil is nothing.
  package var origin: CopyAction.Origin?
  /// Path inside the origin.
  package var path: String
  package var owner: RunOwner
}

/// Owner and mode of what is made for a mount.
package struct RunOwner: Sendable, Hashable {
  package var uid: UInt32
  package var gid: UInt32
  package var mode: UInt16
}

/// A secret of the order, as a file in memory, a variable, or both.
package struct RunSecret: Sendable, Hashable {
  package var id: String
  package var isRequired: Bool
  package var owner: RunOwner
  package var variable: String?
}

/// The socket of an ssh agent of the order.
package struct RunAgent: Sendable, Hashable {
  package var id: String
  package var isRequired: Bool
  package var owner: RunOwner
}
