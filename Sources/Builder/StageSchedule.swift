import Diagnostics
import Glibc

/// Builds the stages of a plan, each as soon as those it uses are finished.
struct StageSchedule {
  let run: BuildRun
  /// How many stages are built at once. Never fewer than two, as a stage often waits for a network or a disk.
  private let width = max(2, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

  init(_ run: BuildRun) { self.run = run }

  /// The last stage, and how many steps of all stages came from the cache.
  ///
  /// The first failure is the one thrown; it cancels the other stages, and they are over when this returns.
  func build() async throws(Failure) -> (image: StageBuild, cachedSteps: Int) {
    let stages = run.plan.stages
    let outcome = await withTaskGroup(of: Result<BuildRun.BuiltStage, Failure>.self) { group in
      var waiting = stages
      var finished: [Int: StageBuild] = [:]
      var cachedSteps = 0
      var running = 0
      var first: Failure?
      while true {
        while first == nil, running < width,
          let next = waiting.firstIndex(where: { $0.uses.isSubset(of: finished.keys) })
        {
          let stage = waiting.remove(at: next)
          var run = run
          run.stages = finished.filter { stage.uses.contains($0.key) }
          group.addTask { [run] in
            do throws(Failure) { return .success(try await run.build(stage)) } catch { return .failure(error) }
          }
          running += 1
        }
        guard let ended = await group.next() else { break }
        running -= 1
        switch ended {
        case .success(let built):
          finished[built.build.stage.index] = built.build
          cachedSteps += built.cachedSteps
        case .failure(let failure):
          if first == nil { first = failure }
          group.cancelAll()
        }
      }
      return Result<([Int: StageBuild], Int), Failure> { () throws(Failure) in
        if let first { throw first }
        return (finished, cachedSteps)
      }
    }
    let (finished, cachedSteps) = try outcome.get()
    guard let last = stages.last, let image = finished[last.index] else {
      throw Failure(.internal, reason: "plan-order", "the plan holds no stage that could be built last")
    }
    return (image, cachedSteps)
  }
}

extension PlannedStage {
  /// The stages it begins from, copies from or mounts, by their numbers in the Dockerfile.
  var uses: Set<Int> {
    var uses: Set<Int> = []
    if case .stage(let index) = origin { uses.insert(index) }
    for step in steps {
      switch step.action {
      case .copy(let action): if case .stage(let index) = action.origin { uses.insert(index) }
      case .run(let action):
        for mount in action.mounts { if case .stage(let index)? = mount.origin { uses.insert(index) } }
      case .makeDirectory, .configure: break
      }
    }
    return uses
  }
}
