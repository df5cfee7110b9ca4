import Builder
import Diagnostics
import OCI
import Storage

/// The registries of others as the executor reaches them.
struct ExecutorRemote: Sendable {
  let choices: RegistryChoices

  init(_ choices: RegistryChoices) { self.choices = choices }

  /// Asked for before anything is built, as nobody wants to wait for an image that cannot be delivered.
  func pusher() throws(Failure) -> any ImagePusher {
    throw Failure(
      .unimplemented, reason: "push-unimplemented", "images cannot be pushed to other registries yet",
      hint: "use --no-push with --tar-path or --oci-layout-path, and push with skopeo")
  }

  /// Where FROM and `--from` find images.
  func bases(_ data: DataDirectory) -> any BaseImageSource { NoImages() }

  private struct NoImages: BaseImageSource {
    func image(
      _ reference: String, platform: Platform, for organization: OrganizationName
    ) async throws(Failure) -> BaseImage {
      throw Failure(
        .unimplemented, reason: "pull-unimplemented", "image '\(reference)' cannot be pulled yet",
        hint: "begin with FROM scratch and ADD a root file system")
    }
  }
}
