import NIOCore

/// A moment at which something is over, moved at every call and hardly ever reached: the event loop's list is only
/// touched when the moment comes nearer.
final class LazyDeadline {
  private let loop: any EventLoop
  private var due: NIODeadline?
  private var armed: (task: Scheduled<Void>, at: NIODeadline)?
  private var onDue: (() -> Void)?

  init(on loop: any EventLoop, _ onDue: @escaping () -> Void) {
    self.loop = loop
    self.onDue = onDue
  }

  func set(_ moment: NIODeadline) {
    due = moment
    if let armed, armed.at <= moment { return }
    arm(moment)
  }

  /// Nothing happens any more.
  func end() {
    armed?.task.cancel()
    armed = nil
    due = nil
    onDue = nil
  }

  private func arm(_ moment: NIODeadline) {
    armed?.task.cancel()
    let this = NIOLoopBound(self, eventLoop: loop)
    armed = (loop.scheduleTask(deadline: moment) { this.value.look() }, moment)
  }

  private func look() {
    armed = nil
    guard let due else { return }
    guard due <= .now() else { return arm(due) }
    self.due = nil
    onDue?()
  }
}
