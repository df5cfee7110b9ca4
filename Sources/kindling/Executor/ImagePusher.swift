import Diagnostics
import Storage

/// Puts an image into a registry.
protocol ImagePusher: Sendable {
  /// Sends what is missing there of the image, whose blobs are in `blobs`, and moves the tag last.
  func push(_ image: ExecutorImage, from blobs: BlobStore, to destination: ImageDestination) async throws(Failure)
}
