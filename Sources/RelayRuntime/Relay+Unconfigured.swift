import RelayCore

/// A sink that is registered and that nobody serves holds publishing back for ever: it is named when the lead begins, when
/// it turns up, and every hour, with what it holds.
extension Relay {
    /// Milliseconds: a little more than counting may take. What is not counted by then is told of without numbers.
    private static let countingPatience: Int64 = 2000
    /// Milliseconds between two reminders.
    private static let reminderPause: Int64 = 3_600_000

    /// Tells of these sinks, each as soon as what it holds is counted.
    func tellUnconfigured(_ names: [String]) {
        guard !names.isEmpty, let leading else { return }
        leading.uncounted.formUnion(names)
        let (sessions, term) = (leading.sessions, term)
        spawn { relay in
            for name in names where relay.isUncounted(name, term) {
                let held = try? await sessions.rowsHeld(by: name)
                relay.tellUnconfigured(name, held, term)
            }
        }
        spawn { relay in
            await relay.clock.sleep(until: relay.clock.now + Self.countingPatience)
            for name in names { relay.tellUnconfigured(name, nil, term) }
        }
        startReminding(leading)
    }

    private func isUncounted(_ name: String, _ term: Int) -> Bool {
        term == self.term && leading?.uncounted.contains(name) == true
    }

    private func tellUnconfigured(_ name: String, _ held: HeldRows?, _ term: Int) {
        guard term == self.term, leading?.uncounted.remove(name) != nil else { return }
        report(.unconfiguredSink(name, held: held))
    }

    /// For as long as the lead lasts, from the first such sink on.
    private func startReminding(_ leading: LeadUnderWay) {
        guard !leading.isReminding else { return }
        leading.isReminding = true
        let term = term
        spawn { relay in
            while relay.isLeading(term) {
                await relay.clock.sleep(until: relay.clock.now + Self.reminderPause)
                guard relay.isLeading(term), !Task.isCancelled else { return }
                relay.tellUnconfigured(relay.machine.unconfigured)
            }
        }
    }
}
