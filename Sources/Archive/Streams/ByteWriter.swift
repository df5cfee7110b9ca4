import Diagnostics

/// A sink of bytes, fed by blocking calls.
///
/// Writers are filters: each feeds another one. None is for use from two threads at once.
package protocol ByteWriter: AnyObject {
  /// Takes all of `bytes`, which the writer doesn't keep beyond the call.
  func write(_ bytes: UnsafeRawBufferPointer) throws(Failure)

  /// Writes what is still held back and the trailer, then finishes the writer below: one call on the topmost
  /// writer ends the whole chain. A second call does nothing. A chain that is not finished is not valid.
  func finish() throws(Failure)
}

extension ByteWriter {
  /// Takes all of `bytes`.
  package func write(_ bytes: [UInt8]) throws(Failure) {
    let failure: Failure? = bytes.withUnsafeBytes { buffer in
      do throws(Failure) {
        try write(buffer)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }
}
