import Diagnostics
import OCI

extension ImageConfig {
  /// Why no replica of the image can ever start, as far as its configuration alone tells (contract §1.2); nil when
  /// nothing stands in the way. `reference` is what people call it.
  package func refusal(of reference: String, _ relaxed: Relaxations) -> Failure? {
    if !relaxed.contains(.user), let failure = refusalOfUser(reference) { return failure }
    guard (config?.entrypoint ?? []).isEmpty, (config?.cmd ?? []).isEmpty else { return nil }
    return Failure(
      .failedPrecondition, reason: "command-empty", "image \(reference) says no command to run",
      hint: "end its Dockerfile with CMD, such as CMD [\"/app\"]")
  }

  /// Kubernetes: what `runAsNonRoot` asks of an image, in its words.
  private func refusalOfUser(_ reference: String) -> Failure? {
    let user = config?.user.flatMap { $0.isEmpty ? nil : $0 }
    let word = String((user ?? "0").prefix { $0 != ":" })
    let hint =
      "write the number of a user that is not root at the end of the Dockerfile: USER 1000; "
      + "`kindling start --relaxed user` does without this rule, the platform does not"
    guard !word.isEmpty, word.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let uid = UInt32(word), uid < .max else {
      return Failure(
        .failedPrecondition, reason: "user-not-numeric",
        "CreateContainerConfigError: container has runAsNonRoot and image has non-numeric user (\(word)), cannot verify "
          + "user is non-root", hint: hint, cause: "USER \(user ?? "") of image \(reference)")
    }
    guard uid == 0 else { return nil }
    return Failure(
      .failedPrecondition, reason: "user-root",
      "CreateContainerConfigError: container has runAsNonRoot and image will run as root", hint: hint,
      cause: user.map { "USER \($0) of image \(reference)" } ?? "image \(reference) has no USER")
  }
}
