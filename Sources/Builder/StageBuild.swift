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
    /// What the layer is to the keys of the steps above it.
    var identity: Digest

    /// `identity` is nil for what no key of the builder's stands for: then it is the layer's content, times and all.
    init(record: LayerRecord, virtual: VirtualLayer? = nil, identity: Digest? = nil) {
      self.record = record
      self.virtual = virtual
      self.identity = identity ?? record.diffID
    }

    /// The layer to be looked into; it is unpacked now when it is neither an index nor on disk.
    func view(_ store: LayerStore, _ scratch: ScratchFolder) throws(Failure) -> any LayerView {
      if let virtual { return virtual }
      let directory = try store.directory(of: record, scratch: scratch)
      return DiskLayer(root: try RootDirectory(directory), xattrs: store.xattrs)
    }
  }

  let stage: PlannedStage
  private(set) var layers: [Layer]
  /// How many of the layers were there before the first step.
  let baseCount: Int
  private(set) var history: [ImageConfig.History]
  private let baseHistoryCount: Int

  init(_ stage: PlannedStage, layers: [Layer], history: [ImageConfig.History]) {
    self.stage = stage
    self.layers = layers
    baseCount = layers.count
    self.history = history
    baseHistoryCount = history.count
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
    for layer in layers.reversed() { views.append(try layer.view(store, scratch)) }
    return RootTree(layers: views)
  }

  /// The overlay's lower directories, topmost first; every layer is on disk afterwards.
  func lowers(_ store: LayerStore, _ scratch: ScratchFolder) throws(Failure) -> [FilePath] {
    var lowers: [FilePath] = []
    for layer in layers.reversed() {
      let directory = try store.directory(of: layer.record, scratch: scratch)
      // The kernel refuses a directory twice (ELOOP). A layer that comes again, such as the empty one of a RUN that
      // changed nothing, hides all of its first coming, so that one is left out.
      if !lowers.contains(directory) { lowers.append(directory) }
    }
    return lowers
  }

  /// One layer in place of all that the stage's own steps made; the history names it at the last of those.
  mutating func replaceOwnLayers(with layer: Layer?) {
    layers = layers.prefix(baseCount) + (layer.map { [$0] } ?? [])
    var isNamed = layer == nil
    for index in history.indices.dropFirst(baseHistoryCount).reversed() where history[index].emptyLayer != true {
      if isNamed { history[index].emptyLayer = true }
      isNamed = true
    }
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
