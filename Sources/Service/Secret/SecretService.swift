import Diagnostics
import Storage

/// The use-cases of the contract's SecretService. A caller sees the slots of its own organisation and no other's.
package final class SecretService: Sendable {
  private let store: SecretStore
  private let clock: WallClock
  /// What goes wrong on demand; none unless set.
  package let faults: FaultBoard

  package init(data: DataDirectory, clock: WallClock = .system, faults: FaultBoard = FaultBoard()) {
    store = SecretStore(data: data)
    self.clock = clock
    self.faults = faults
  }

  /// Makes a slot or puts another credential into it, of another type if need be; apps use it from their next pull on.
  package func createSecret(
    _ name: String, _ value: SecretSlot.Value?, as caller: Identity
  ) throws(Failure) -> SecretSlot {
    try caller.require(.createSecret)
    let name = try SecretSlotName(name)
    guard let value else {
      throw Failure(
        .invalidArgument, reason: "secret-value-missing", "secret '\(name)' has no value",
        hint: "send 'value' with exactly one of git_secret and registry_secret")
    }
    try value.check()
    return try store.save(value, as: name, of: caller.organization, at: clock.now())
  }

  /// A slot and what is in it, by design (contract §1.3).
  package func secret(
    _ name: String, as caller: Identity
  ) throws(Failure) -> (slot: SecretSlot, value: SecretSlot.Value) {
    try caller.require(.getSecret)
    return try store.slot(try SecretSlotName(name), of: caller.organization)
  }

  /// The slots by name, without what is in them.
  package func secrets(as caller: Identity) throws(Failure) -> [SecretSlot] {
    try caller.require(.listSecrets)
    return try store.slots(of: caller.organization)
  }

  /// Takes a slot away; one that is not there already is.
  package func deleteSecret(_ name: String, as caller: Identity) throws(Failure) {
    try caller.require(.deleteSecret)
    try store.delete(try SecretSlotName(name), of: caller.organization)
  }
}
