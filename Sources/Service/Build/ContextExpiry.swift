import Diagnostics
import Storage

/// Forgets uploaded contexts whose time is over, and removes archives that no context and no unfinished build needs:
/// inline ones too, which have no context of their own.
package struct ContextExpiry: Sendable {
  /// Between an upload's commit and its row in the ledger there is a moment, and another between a build's look at its
  /// context and its own row: no archive this young is unused, and no context that ended this lately is forgotten.
  private static let grace: Int64 = 10 * 60 * 1000

  private let data: DataDirectory

  package init(data: DataDirectory) { self.data = data }

  /// One round; an interrupted one is done by the next.
  package func sweep() throws(Failure) {
    let now = data.clock.now()
    let settled = Timestamp(milliseconds: now.milliseconds - Self.grace)
    for context in try data.ledger.expiredContexts(at: settled) { try data.ledger.deleteContext(context.id) }
    try data.contexts.removeUnused(
      except: try data.ledger.contextDigestsInUse(),
      uploadedBefore: settled)
  }
}
