import Diagnostics
import OCI
import Storage

/// Layers of steps kept outside the data directory, so that builds on other machines find them.
///
/// Nothing of it may fail a build: what cannot be had is made again, and what cannot be kept is not.
package protocol SharedStepCache: Sendable {
  /// What a step of this key made on some machine. The blob is in the store then, checked against its digest; that the
  /// layer unpacks to its diffID is checked by who asks. Throws `cancelled` alone.
  func layer(_ key: Digest, of kind: StepKind) async throws(Failure) -> SharedLayer

  /// Takes a layer for others; does not wait until they have it.
  func offer(_ offer: SharedOffer)
}

/// What a step does, as caches tell steps apart.
package enum StepKind: Sendable, Hashable {
  /// RUN.
  case command
  /// COPY, ADD and WORKDIR: files that came from somewhere else.
  case files
}

/// The answer of a shared cache.
package enum SharedLayer: Sendable, Hashable {
  /// `place` is the cache's name, for people.
  case found(MadeLayer, place: String)
  case missing
  /// There is one, too old for this build; the words say so.
  case expired(String)
  /// There is something that may not be used, or nobody can tell; the words say why.
  case refused(String)
}

/// A layer that was made or found here.
package struct SharedOffer: Sendable, Hashable {
  package var key: Digest
  package var kind: StepKind
  package var made: MadeLayer
  /// Whether the cache was asked before and had nothing of use.
  package var isMissing: Bool

  package init(key: Digest, kind: StepKind, made: MadeLayer, isMissing: Bool) {
    self.key = key
    self.kind = kind
    self.made = made
    self.isMissing = isMissing
  }
}
