import API
import Diagnostics
import OCI
import Storage

extension Dodil_Ignite_V1_Build {
  /// The build as callers see it.
  package init(_ record: BuildRecord) {
    self.init()
    buildID = record.id.text
    name = record.name
    status = Dodil_Ignite_V1_BuildStatus(record.status)
    dockerfile = record.dockerfile
    tags = record.tags.map(\.description)
    buildArgs = record.buildArgs
    platform = record.platform.description
    noCache = record.noCache
    timeoutSecs = record.timeoutSeconds
    imageRefs = record.imageReferences
    if let metrics = record.metrics { self.metrics = Dodil_Ignite_V1_BuildMetrics(metrics) }
    error = record.failure?.oneLine ?? ""
    createdAtMs = record.createdAt.milliseconds
    startedAtMs = record.startedAt?.milliseconds ?? 0
    completedAtMs = record.completedAt?.milliseconds ?? 0
    organizationName = record.organization.name
    switch record.source {
    case .archive(_, let context): contextID = context?.text ?? ""
    case .git(let source):
      // What was asked, not the commit it turned out to be: that stands in the log.
      gitSource.url = source.url
      gitSource.reference = source.reference
      gitSource.contextDir = source.directory
    }
  }
}

extension Dodil_Ignite_V1_BuildMetrics {
  /// The cost as callers see it.
  package init(_ metrics: BuildMetrics) {
    self.init()
    durationMs = UInt64(clamping: metrics.durationMilliseconds)
    imageSizeBytes = UInt64(clamping: metrics.imageSize.bytes)
    layerCount = UInt32(clamping: metrics.layerCount)
    cacheUsed = metrics.cacheUsed
  }
}
