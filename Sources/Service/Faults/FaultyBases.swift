import Builder
import Diagnostics
import OCI
import Storage

/// Base images, with the faults of `pull` before each.
package struct FaultyBases: BaseImageSource {
  private let bases: any BaseImageSource
  private let faults: FaultBoard

  package init(bases: any BaseImageSource, faults: FaultBoard) {
    self.bases = bases
    self.faults = faults
  }

  package func image(
    _ reference: String, platform: Platform, for organization: OrganizationName
  ) async throws(Failure) -> BaseImage {
    try await faults.meet(.pull, of: organization.name)
    return try await bases.image(reference, platform: platform, for: organization)
  }

  package func image(
    _ reference: String, platform: Platform, for organization: OrganizationName, watch: @escaping TransferMeter.Watch
  ) async throws(Failure) -> BaseImage {
    try await faults.meet(.pull, of: organization.name)
    return try await bases.image(reference, platform: platform, for: organization, watch: watch)
  }
}
