import Storage

/// A log whose lines come late, one by one, for as long as a fault asks for it.
package struct SlowLog: Sendable {
  private let faults: FaultBoard
  private let organization: OrganizationName

  package init(faults: FaultBoard, organization: OrganizationName) {
    self.faults = faults
    self.organization = organization
  }

  /// Whether there is such a fault now.
  var isOn: Bool {
    faults.faults.contains { $0.place == .log && ($0.organization ?? organization.name) == organization.name }
  }

  /// Returns when the next line may come. A reader that has gone ends by its stream, not here.
  func wait() async { try? await faults.meet(.log, of: organization.name) }
}
