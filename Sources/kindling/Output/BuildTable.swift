import API
import Diagnostics
import Terminal

/// Builds as tables.
enum BuildTable {
  /// One row a build.
  static func list(_ builds: [Dodil_Ignite_V1_Build], now: Timestamp) -> Table {
    Table(
      columns: [
        .init("BUILD"), .init("NAME", mayShrink: true), .init("TAGS", mayShrink: true), .init("STATUS"),
        .init("TOOK", alignsTrailing: true), .init("CREATED"),
      ],
      rows: builds.map { build in
        [
          .init(build.buildID), .init(build.name), .init(build.tags.joined(separator: ",")),
          Messages.cell(build.status), .init(took(build)), .init(age(build, now: now)),
        ]
      }
    )
  }

  /// One build, a line a fact; `place` is what the queue says of one that waits.
  static func details(
    _ build: Dodil_Ignite_V1_Build, place: QueueDocument.Build? = nil, now: Timestamp
  ) -> Table {
    var rows: [[Table.Cell]] = [
      ["Build", .init(build.buildID)], ["Name", .init(build.name)], ["Status", Messages.cell(build.status)],
    ]
    func add(_ title: String, _ text: String) {
      if !text.isEmpty { rows.append([.init(title, .faint), .init(text)]) }
    }
    if let position = place?.position { add("Queue", "place \(position), \(place?.reason ?? "")") }
    add("Created", age(build, now: now))
    add("Took", took(build))
    for (index, reference) in build.imageRefs.enumerated() { add(index == 0 ? "Images" : "", reference) }
    if build.hasMetrics, build.metrics.layerCount > 0 || build.status == .succeeded {
      let metrics = build.metrics
      let cache = metrics.cacheUsed ? "cache used" : "cache not used"
      add("Size", "\(ByteCount(Int64(clamping: metrics.imageSizeBytes))) in \(metrics.layerCount) layers, \(cache)")
    }
    add("Dockerfile", build.dockerfile)
    add("Platform", build.platform)
    let arguments = build.buildArgs.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    for (index, argument) in arguments.enumerated() { add(index == 0 ? "Arguments" : "", argument) }
    add("Context", build.contextID)
    if build.hasGitSource { add("Git", "\(build.gitSource.url) \(build.gitSource.reference)") }
    for (index, line) in build.error.split(separator: "\n").enumerated() {
      add(index == 0 ? "Error" : "", String(line))
    }
    for index in rows.indices { rows[index][0].tint = .faint }
    return Table(columns: [.init(""), .init("")], rows: rows)
  }

  private static func took(_ build: Dodil_Ignite_V1_Build) -> String {
    if build.hasMetrics, build.metrics.durationMs > 0 {
      return DurationText.compact(milliseconds: Int64(clamping: build.metrics.durationMs))
    }
    guard build.startedAtMs > 0, build.completedAtMs > 0 else { return "" }
    return DurationText.compact(milliseconds: build.completedAtMs - build.startedAtMs)
  }

  private static func age(_ build: Dodil_Ignite_V1_Build, now: Timestamp) -> String {
    build.createdAtMs > 0 ? DurationText.age(milliseconds: now.milliseconds - build.createdAtMs) : ""
  }
}
