import Crypto
import Diagnostics
import FoundationEssentials

/// Seals secrets at rest: AES-256-GCM with a key derived from the data directory's key file.
package struct Seal: Sendable {
  private static let version: UInt8 = 1
  private static let nonceSize = 12
  private static let tagSize = 16

  private let key: SymmetricKey

  /// `key` is the data directory's; the sealing key is derived from it (HKDF-SHA256), so that a seal never tells
  /// about the key other things are derived from.
  package init(key: [UInt8]) {
    self.key = HKDF<SHA256>.deriveKey(
      inputKeyMaterial: SymmetricKey(data: key),
      info: Array("kindling seal 1".utf8),
      outputByteCount: 32
    )
  }

  /// The sealed form of `plain`. `context` says what it is for; it is not stored, and opening needs the same one.
  package func seal(_ plain: [UInt8], context: String) throws(Failure) -> [UInt8] {
    do {
      let box = try AES.GCM.seal(plain, using: key, authenticating: Array(context.utf8))
      return [Self.version] + box.nonce + box.ciphertext + box.tag
    } catch {
      throw Failure(wrapping: error, while: "sealing a secret")
    }
  }

  /// The plain form; throws `seal-broken` (DATA_LOSS) when bytes, context or key are not the ones it was sealed with.
  package func open(_ sealed: [UInt8], context: String) throws(Failure) -> [UInt8] {
    let body = sealed.dropFirst()
    guard sealed.first == Self.version, body.count >= Self.nonceSize + Self.tagSize else { throw Self.broken }
    do {
      let box = try AES.GCM.SealedBox(
        nonce: AES.GCM.Nonce(data: body.prefix(Self.nonceSize)),
        ciphertext: body.dropFirst(Self.nonceSize).dropLast(Self.tagSize),
        tag: body.suffix(Self.tagSize)
      )
      return Array(try AES.GCM.open(box, using: key, authenticating: Array(context.utf8)))
    } catch {
      throw Self.broken
    }
  }

  private static let broken = Failure(
    .dataLoss,
    reason: "seal-broken",
    "a sealed secret cannot be opened with this data directory's key",
    hint: "save the secret again; the file 'key' was replaced or the ledger was damaged"
  )
}
