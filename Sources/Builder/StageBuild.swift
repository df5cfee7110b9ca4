import Archive
import Diagnostics
import OCI
import Storage
import SystemPackage

/// One stage while it is built: its layers so far, lowest first, and the configuration's history.
struct StageBuild {
  /// A layer of the stage: its blob, and its index when its files are not on disk.
  struct Layer: Sendable {
    var record: LayerRecord
    var virtual: VirtualLayer?
  }

  let stage: PlannedStage
  private(set) var layers: [Layer]
  private(set) var history: [ImageConfig.History]

  init(_ stage: PlannedStage, layers: [Layer], history: [ImageConfig.History]) {
    self.stage = stage
    self.layers = layers
    self.history = history
  }

  /// Notes what a step did: its history line, and its layer if it made one.
  mutating func add(_ step: PlannedStep, _ layer: Layer?, created: String) {
    if let layer { layers.append(layer) }
    history.append(
      ImageConfig.History(
        created: created, createdBy: step.history, comment: "buildkit.dockerfile.v0",
        emptyLayer: layer == nil ? true : nil))
  }

  /// The stage's root, looked into without mounting it; layers that are not on disk are indexes or are unpacked now.
  func tree(_ store: LayerStore, _ scratch: ScratchFolder) throws(Failure) -> RootTree {
    var views: [any LayerView] = []
    for layer in layers.reversed() {
      if let virtual = layer.virtual {
        views.append(virtual)
      } else {
        let directory = try store.directory(of: layer.record, scratch: scratch)
        views.append(DiskLayer(root: try RootDirectory(directory), xattrs: store.xattrs))
      }
    }
    return RootTree(layers: views)
  }

  /// The overlay's lower directories, topmost first; every layer is on disk afterwards.
  func lowers(_ store: LayerStore, _ scratch: ScratchFolder) throws(Failure) -> [FilePath] {
    var lowers: [FilePath] = []
    for layer in layers.reversed() { lowers.append(try store.directory(of: layer.record, scratch: scratch)) }
    return lowers
  }

  /// The image's configuration as it stands, layers and history filled in.
  func config(created: String) -> ImageConfig {
    var config = stage.config
    config.created = created
    config.rootfs = ImageConfig.RootFS(diffIDs: layers.map(\.record.diffID))
    config.history = history
    return config
  }
}
