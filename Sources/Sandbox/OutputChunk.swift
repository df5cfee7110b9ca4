import Diagnostics

/// Some bytes a command wrote, as they were read: lines and characters may be cut.
package struct OutputChunk: Sendable, Hashable {
  package var stream: BuildEvent.OutputStream
  package var bytes: [UInt8]
  package init(stream: BuildEvent.OutputStream, bytes: [UInt8]) {
    self.stream = stream
    self.bytes = bytes
  }
}
