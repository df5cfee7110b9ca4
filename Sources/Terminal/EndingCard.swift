import Diagnostics

/// The last thing on the screen after a build: what came of it, what it cost, and the one next command.
package struct EndingCard: Sendable {
  package var progress: BuildProgress
  package var buildID: String
  /// The page that shows this build; nil when it is not known.
  package var pageURL: String?

  package init(progress: BuildProgress, buildID: String, pageURL: String? = nil) {
    self.progress = progress
    self.buildID = buildID
    self.pageURL = pageURL
  }

  /// The card's lines, without line ends; empty while the build is not over.
  package func lines(_ appearance: Appearance) -> [String] {
    switch progress.outcome {
    case .succeeded(let milliseconds, _): good(milliseconds, appearance)
    case .failed(let failure): failed(failure, appearance)
    case .cancelled: cancelled(appearance)
    case nil: []
    }
  }

  private func good(_ milliseconds: Int64, _ appearance: Appearance) -> [String] {
    let time = DurationText.spaced(milliseconds: milliseconds)
    let cached = progress.cachedSteps
    let steps = progress.steps.count
    let cost =
      steps == 0
      ? time
      : cached == 0 ? "\(time), \(steps) step\(steps == 1 ? "" : "s")" : "\(time), \(cached) of \(steps) steps cached"
    guard let image = progress.image else {
      return Self.flowed(mark: .done, ["built", cost], appearance) + more([], appearance)
    }
    let fresh = progress.reports.filter { $0.result == .ran }.compactMap(\.layer)
    let freshSize = ByteCount(fresh.reduce(0) { $0 + $1.bytes })
    let news =
      fresh.isEmpty ? "nothing new" : "\(fresh.count) new layer\(fresh.count == 1 ? "" : "s"), \(freshSize)"
    let name = image.references.first.map(Self.shortName) ?? buildID
    let more = image.references.count > 1 ? " (+\(image.references.count - 1) tags)" : ""
    let first = Self.flowed(
      mark: .done,
      [name + more, Self.shortDigest(image.digest, appearance), "\(image.size) (\(news))", cost],
      appearance
    )
    return first + self.more(image.references.first.map { ["next: docker run --rm \($0)"] } ?? [], appearance)
  }

  private func failed(_ failure: Failure, _ appearance: Appearance) -> [String] {
    var pointers = [(label: "more", text: "kindling build logs \(buildID)")]
    if let pageURL {
      pointers.append(("open", pageURL + (progress.failedStep.map { "#s\($0.planned.step)" } ?? "")))
    }
    return FailureText(
      failure,
      headline: progress.failureHeadline ?? "build failed",
      evidence: progress.evidence,
      pointers: pointers
    ).lines(appearance)
  }

  private func cancelled(_ appearance: Appearance) -> [String] {
    ["\(appearance.paint(.skipped)) build \(buildID) was cancelled"]
      + more(["next: kindling build get \(buildID)"], appearance)
  }

  private func more(_ parts: [String], _ appearance: Appearance) -> [String] {
    let all = (pageURL.map { [$0] } ?? []) + parts
    return all.isEmpty ? [] : Self.flowed(mark: nil, all, appearance)
  }

  /// Parts side by side, as many in a line as fit.
  private static func flowed(mark: Mark?, _ parts: [String], _ appearance: Appearance) -> [String] {
    let gap = mark == nil ? "        " : "   "
    var lines: [String] = []
    for part in parts {
      if let last = lines.last, 2 + last.displayWidth + gap.count + part.displayWidth <= appearance.width ?? Int.max {
        lines[lines.count - 1] = last + gap + part
      } else {
        lines.append(part)
      }
    }
    let lead = mark.map { appearance.paint($0) + " " } ?? "  "
    return lines.enumerated().map { ($0 == 0 ? lead : "  ") + $1 }
  }

  /// `app:latest` from `localhost:4480/dev/app:latest`.
  private static func shortName(_ reference: String) -> String {
    String(reference.split(separator: "/").last ?? Substring(reference))
  }

  /// `sha256:9f2c…41aa`.
  private static func shortDigest(_ digest: String, _ appearance: Appearance) -> String {
    guard let colon = digest.firstIndex(of: ":") else { return digest }
    let hex = digest[digest.index(after: colon)...]
    guard hex.count > 12 else { return digest }
    return "\(digest[...colon])\(hex.prefix(4))\(appearance.ellipsis)\(hex.suffix(4))"
  }
}
