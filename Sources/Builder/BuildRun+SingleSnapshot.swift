import Archive
import Diagnostics
import OCI
import Storage

extension BuildRun {
  /// How a step's layer is written: not compressed when it will be joined with others, and the whole compressed then.
  func format(of step: PlannedStep?, in stage: PlannedStage) -> LayerFormat {
    var format = order.layerFormat
    if order.singleSnapshot, step != nil, stage.index == plan.stages.last?.index { format.isPacked = false }
    return format
  }

  /// The stage with all layers its own steps made as one.
  func joined(_ build: StageBuild) async throws(Failure) -> StageBuild {
    let own = Array(build.layers.dropFirst(build.baseCount))
    guard own.count > 1 || own.contains(where: { $0.record.mediaType == .ociLayer }) else { return build }
    var views: [any LayerView] = []
    for layer in own.reversed() { views.append(try layer.view(builder.layers, scratch)) }
    let entries = try SnapshotMerge(views: views, hasBase: build.baseCount > 0).entries()
    var joined = build
    joined.replaceOwnLayers(with: try await layer(of: entries, for: nil, of: build.stage).layer)
    return joined
  }
}
