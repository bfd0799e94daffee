import RelayCore

/// One state of an exploration: the world, the deciding core where a relay runs, and beside it another one.
struct State: Hashable, Sendable {
    var world: World
    /// Of the relay that leads, or led last.
    var machine: RelayMachine?
    /// SIGSTOP has struck the one that leads.
    var isFrozen = false
    /// What waits for it to wake up.
    var unread: [RelayInput] = []
    /// The next relay that is started runs in the mode that the scenario's policy does not say.
    var startsInOtherMode = false
    /// Where there are two.
    var bystander: Bystander?

    init(_ scenario: Scenario) {
        world = World(scenario)
        machine = nil
        if scenario.hasStandby { bystander = Bystander() }
    }

    /// Everything that was committed is delivered, published and forgotten, and nobody is in the middle of anything.
    func isAtRest(_ scenario: Scenario) -> Bool {
        guard world.producersAreDone(scenario), world.unpublished.isEmpty, world.owed.isEmpty, world.locked.isEmpty,
            world.sinks.allSatisfy({ $0.isFixed && !$0.isRemoving }),
            world.sides.allSatisfy({
                world.published.above($0.begins).subtracting($0.given).subtracting(world.parked(for: $0.name)).isEmpty
            }), !world.parked.contains(where: \.isRequested)
        else { return false }
        guard !isFrozen, bystander?.isAtRest != false else { return false }
        guard let machine else { return scenario.policy.untilDrained || scenario.mayStop }
        guard world.sessionsAreOpen, world.queue.isEmpty, machine.batchesInMemory == 0 else { return false }
        let cursors = Set(world.sinks.map(\.cursor))
        if cursors.count == 1, !world.absent.isEmpty { return false }
        return machine.ringsForAll == machine.usesStream && !machine.waitsForAnnounced && world.tailRead == nil
    }
}

extension World {
    func producersAreDone(_ scenario: Scenario) -> Bool {
        producers.allSatisfy { producer in
            producer.phase == .keeping
                || producer.phase == .idle && (producer.left == 0 || lastValue >= scenario.ids)
        }
    }
}
