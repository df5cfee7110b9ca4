import Builder
import Diagnostics
import OCI

/// A plan as `kindling plan --json` prints it.
struct PlanDocument: Encodable {
  struct Warning: Encodable {
    var check: String?
    var text: String
    var line: Int?
  }

  struct Step: Encodable {
    var step: Int
    var line: Int
    var instruction: String
    /// `run`, `copy`, `directory` or `configure`.
    var action: String
  }

  struct Stage: Encodable {
    var index: Int
    var name: String?
    /// `scratch`, `stage N` or the image's reference.
    var from: String
    var platform: String
    var steps: [Step]
    var config: ImageConfig.Container?
  }

  var platform: String
  var warnings: [Warning]
  var stages: [Stage]

  init(_ plan: BuildPlan) {
    platform = plan.platform.description
    warnings = plan.warnings.map {
      Warning(check: $0.checkName, text: $0.text, line: $0.source?.firstLine)
    }
    stages = plan.stages.map { stage in
      Stage(
        index: stage.index, name: stage.name, from: Self.text(stage.origin), platform: stage.platform.description,
        steps: stage.steps.map {
          Step(step: $0.number, line: $0.line, instruction: $0.instruction, action: Self.word($0.action))
        },
        config: stage.config.config)
    }
  }

  private static func text(_ origin: PlannedStage.Origin) -> String {
    switch origin {
    case .scratch: "scratch"
    case .stage(let index): "stage \(index)"
    case .image(let image): image.reference
    }
  }

  private static func word(_ action: PlannedStep.Action) -> String {
    switch action {
    case .run: "run"
    case .copy: "copy"
    case .makeDirectory: "directory"
    case .configure: "configure"
    }
  }
}
