import Diagnostics
import OCI
import Storage

/// The base images of one build, whose transfers are the build's events.
struct WatchedBases: BaseImageSource {
  let bases: any BaseImageSource
  let watch: TransferMeter.Watch

  func image(
    _ reference: String, platform: Platform, for organization: OrganizationName
  ) async throws(Failure) -> BaseImage {
    try await bases.image(reference, platform: platform, for: organization, watch: watch)
  }
}

extension BuildReporter {
  /// Tells of transfers. An event that cannot be kept is missed; the step that follows says so.
  var watch: TransferMeter.Watch {
    { progress in try? report(.transfer(progress)) }
  }
}
