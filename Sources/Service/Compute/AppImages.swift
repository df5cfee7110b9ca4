import Builder
import Diagnostics
import OCI
import Storage
import SystemPackage

/// The images of apps: found here or pulled, and unpacked ahead of the first call.
package struct AppImages: Sendable {
  private let data: DataDirectory
  private let bases: BaseImages
  private let builder: ImageBuilder
  private let threads: BuildThreads
  private let faults: FaultBoard

  package init(
    data: DataDirectory, bases: BaseImages, builder: ImageBuilder, threads: BuildThreads,
    faults: FaultBoard = FaultBoard()
  ) {
    self.data = data
    self.bases = bases
    self.builder = builder
    self.threads = threads
    self.faults = faults
  }

  /// What a prebuilt reference means now, pulled where it is not here.
  func resolved(
    _ reference: String, secret: String?, for organization: OrganizationName, watch: @escaping TransferMeter.Watch
  ) async throws(Failure) -> AppImage {
    try await faults.meet(.pull, of: organization.name)
    let shown = try shown(secret, organization)
    let found: (image: BaseImage, repository: Repository)
    do throws(Failure) {
      found = try await threads.run { [bases] () async throws(Failure) in
        try await bases.located(reference, platform: .host, for: organization, shown: shown, watch: watch)
      }
    } catch { throw Self.advised(error, secret) }
    return AppImage(
      reference: Self.pinned(reference, found.image.manifest), repository: found.repository,
      digest: found.image.manifest)
  }

  /// The image itself, for an app that runs it; pulled again by its digest when it was taken out of the registry here.
  /// The slot is read even where nothing has to be pulled: one that is gone is told at the next start, not at some later.
  func image(_ image: AppImage, of code: AppCode, for organization: OrganizationName) async throws(Failure) -> BaseImage
  {
    var secret: String?
    if case .prebuilt(_, let slot) = code { secret = slot }
    let shown = try shown(secret, organization)
    if let here = try bases.here(image, platform: .host) { return here }
    guard case .prebuilt = code else {
      throw Failure(
        .failedPrecondition, reason: "app-image-gone",
        "image '\(image.reference)' is no longer in the registry",
        hint: "save the draft again and publish it, which builds the image anew")
    }
    do throws(Failure) {
      return try await threads.run { [bases] () async throws(Failure) in
        try await bases.located(image.reference, platform: .host, for: organization, shown: shown) { _ in }.image
      }
    } catch { throw Self.advised(error, secret) }
  }

  /// The image when it is here.
  func here(_ image: AppImage) throws(Failure) -> BaseImage? { try bases.here(image, platform: .host) }

  /// Its layers, topmost first.
  func layers(of image: BaseImage, workName: String) async throws(Failure) -> [FilePath] {
    try await threads.run { [builder] () async throws(Failure) in
      try builder.unpacked(image, workName: workName)
    }
  }

  private func shown(_ secret: String?, _ organization: OrganizationName) throws(Failure) -> ShownCredentials? {
    guard let secret else { return nil }
    let slot = try SecretStore(data: data).registryCredential(try SecretSlotName(secret), of: organization)
    return ShownCredentials(name: secret, credentials: slot.credentials)
  }

  private static func pinned(_ reference: String, _ digest: Digest) -> String {
    reference.contains("@") ? reference : "\(reference)@\(digest)"
  }

  /// In an app's own words: there is no FROM here.
  private static func advised(_ failure: Failure, _ secret: String?) -> Failure {
    var failure = failure
    if failure.message.hasPrefix("base image ") { failure.message.removeFirst("base ".count) }
    if secret == nil, ["registry-auth-required", "registry-auth-refused", "registry-denied"].contains(failure.reason) {
      failure.hint = "name a secret with registry_secret_ref; make it with: kindling secret create NAME --type registry"
    }
    return failure
  }
}

extension ImageConfig {
  /// What can be told of the container contract before anything runs (contract §1.2), a line each.
  var contractWarnings: [String] {
    var lines: [String] = []
    let user = config?.user ?? ""
    let name = user.prefix { $0 != ":" }
    if name.isEmpty || name == "0" || name == "root" {
      lines.append(
        "the image runs as root\(user.isEmpty ? ", as it has no USER" : " (USER \(user))"), which the platform refuses: "
          + "end the Dockerfile with a numeric USER, such as USER 65532")
    } else if !name.allSatisfy({ $0.isASCII && $0.isNumber }) {
      lines.append(
        "USER '\(user)' is a name, which the platform refuses (CreateContainerConfigError): write its number, "
          + "such as USER 1000")
    }
    if (config?.entrypoint ?? []).isEmpty, (config?.cmd ?? []).isEmpty {
      lines.append("the image has no command to run: give it an ENTRYPOINT or a CMD")
    }
    if !platform.matches(.host) {
      lines.append("the image is for \(platform), and this machine runs \(Platform.host)")
    }
    return lines
  }
}
