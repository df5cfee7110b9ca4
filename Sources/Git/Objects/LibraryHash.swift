import COpenSSL
import Diagnostics

/// A hash by libcrypto without any detection: of trailers, contents and SHA-256 names. Used again and again.
final class LibraryHash {
  enum Algorithm {
    case sha1, sha256
    var byteCount: Int { self == .sha1 ? 20 : 32 }
  }

  let algorithm: Algorithm
  private let context: OpaquePointer
  private let method: OpaquePointer?

  init(_ algorithm: Algorithm) throws(Failure) {
    guard let context = EVP_MD_CTX_new() else {
      throw Failure(.resourceExhausted, reason: "out-of-memory", "no memory is left for a hash")
    }
    self.algorithm = algorithm
    self.context = context
    method = algorithm == .sha1 ? EVP_sha1() : EVP_sha256()
    begin()
  }

  /// The hash a repository's packs end with.
  convenience init(ofPacks format: ObjectID.Format) throws(Failure) { try self.init(format == .sha1 ? .sha1 : .sha256) }

  deinit { EVP_MD_CTX_free(context) }

  func begin() { EVP_DigestInit_ex(context, method, nil) }

  func update(_ bytes: UnsafeRawBufferPointer) { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }

  /// Writes the hash to the start of `output`, which has room for `algorithm.byteCount`; `begin` comes next.
  func finish(into output: UnsafeMutableRawBufferPointer) {
    guard output.count >= algorithm.byteCount else { return }
    EVP_DigestFinal_ex(context, output.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
  }
}
