import COpenSSL
import Diagnostics

/// A hash that is fed while bytes pass by (libcrypto's EVP, with the processor's SHA instructions).
///
/// Not for concurrent use: one owner feeds it.
package final class RunningDigest {
  package let algorithm: Digest.Algorithm
  private let context: OpaquePointer

  package init(_ algorithm: Digest.Algorithm = .sha256) {
    self.algorithm = algorithm
    guard let context = EVP_MD_CTX_new() else { preconditionFailure("out of memory for a hash state") }
    self.context = context
    EVP_DigestInit_ex(context, algorithm == .sha256 ? EVP_sha256() : EVP_sha512(), nil)
  }

  deinit { EVP_MD_CTX_free(context) }

  package func update(_ bytes: UnsafeRawBufferPointer) {
    EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  package func update(_ bytes: some Sequence<UInt8>) {
    let done: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
    if done == nil { Array(bytes).withUnsafeBytes { update($0) } }
  }

  /// The digest of everything fed so far; the state goes on, so it can be asked again later.
  package func digest() -> Digest {
    var output = [UInt8](repeating: 0, count: 64)
    var length: UInt32 = 0
    guard let copy = EVP_MD_CTX_new() else { preconditionFailure("out of memory for a hash state") }
    defer { EVP_MD_CTX_free(copy) }
    EVP_MD_CTX_copy_ex(copy, context)
    EVP_DigestFinal_ex(copy, &output, &length)
    return Digest(algorithm, bytes: output.prefix(Int(length)))
  }
}

extension Digest {
  /// The SHA-256 digest of bytes at hand.
  package init(sha256Of bytes: some Sequence<UInt8>) {
    let running = RunningDigest(.sha256)
    running.update(bytes)
    self = running.digest()
  }
}
