/// What an acknowledgement is worth.
package enum Durability: Sendable, Hashable {
  /// Acknowledged things survive `kill -9` and the loss of power: files and directories are fsynced.
  case durable
  /// Acknowledged things survive `kill -9` only; nothing waits for the disk. For tests and throw-away servers.
  case ephemeral
}
