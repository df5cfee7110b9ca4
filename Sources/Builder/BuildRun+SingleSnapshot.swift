import Archive
import Diagnostics
import OCI

extension BuildRun {
  /// The stage with all layers its own steps made as one.
  func joined(_ build: StageBuild) async throws(Failure) -> StageBuild {
    let own = Array(build.layers.dropFirst(build.baseCount))
    guard own.count > 1 else { return build }
    var views: [any LayerView] = []
    for layer in own.reversed() { views.append(try layer.view(builder.layers, scratch)) }
    let entries = try SnapshotMerge(views: views, hasBase: build.baseCount > 0).entries()
    var joined = build
    joined.replaceOwnLayers(with: try await layer(of: entries, for: nil, of: build.stage).layer)
    return joined
  }
}
