import RelayCore

/// One seed's run of the whole relay in a simulated world.
package struct Simulation {
    /// What came of it.
    package struct Outcome: Sendable {
        package var seed: UInt64
        /// What was broken; nil: every promise held.
        package var finding: String?
        /// Two runs of a seed have the same.
        package var digest: UInt64
        /// Milliseconds of simulated time.
        package var time: Int64
        package var steps: Int
        /// Events that came to the sinks, and how many came again.
        package var deliveries: Int
        package var repeats: Int
        package var stops: Int
        /// What happened, where the trace was kept.
        package var lines: [String]
    }

    /// Microseconds within which everything must be done once nothing goes wrong any more.
    private static let patience: Int64 = 60_000_000
    private static let stepLimit = 3_000_000

    private let seed: UInt64
    private let scheduler: Scheduler
    private let plan: Plan
    private let judge: Judge
    private let server: SimulatedServer
    private let fleet: Fleet
    private let producers: Producers
    private let neighbours: Neighbours
    private let administrator: Administrator
    private let gremlins: Gremlins
    /// All was done once, and then more events came.
    private var hasProbed = false
    /// Since when nothing goes wrong and nobody produces any more.
    private var quietSince: Int64?

    /// Makes the simulations possible: from here on nothing concurrent runs but within them.
    package static func prepare() { Scheduler.install() }

    private init(_ seed: UInt64, _ mutant: Mutant?, _ scene: Scene?, _ trace: Trace) {
        self.seed = seed
        let dice = Dice(seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ 1)
        plan = Plan(dice.split(), mutant: mutant, scene: scene)
        scheduler = Scheduler(seed: dice.seed(), trace: trace, stepLimit: Self.stepLimit)
        judge = Judge(scheduler, plan)
        server = SimulatedServer(scheduler, dice.split(), plan, judge)
        let server = server
        let farSides = plan.sinks.map { FarSide($0.name, server) }
        fleet = Fleet(server, farSides, dice.split())
        producers = Producers(server, dice.split())
        neighbours = Neighbours(server, dice.split())
        administrator = Administrator(server, dice.split())
        gremlins = Gremlins(server: server, fleet: fleet, farSides: farSides, dice: dice.split())
    }

    /// - Parameter keepsTrace: whether what happens is written down; the run is the same either way.
    package static func run(
        seed: UInt64, mutant: Mutant? = nil, scene: Scene? = nil, keepsTrace: Bool = false
    ) -> Outcome {
        let trace = Trace(isKept: keepsTrace)
        var simulation = Simulation(seed, mutant, scene, trace)
        return simulation.run(trace)
    }

    private mutating func run(_ trace: Trace) -> Outcome {
        trace.add(0, "\(plan.summary)")
        let server = server
        scheduler.spawn { await server.replicate() }
        fleet.start()
        producers.start()
        neighbours.start()
        administrator.start()
        gremlins.start()
        var nextMeasure: Int64 = 0
        var reason: String?
        let end = scheduler.run {
            if scheduler.now >= nextMeasure {
                nextMeasure = scheduler.now + 50_000
                fleet.measure()
                reason = unfinished()
            }
            return judge.finding == nil && reason != nil
        }
        conclude(end, reason)
        let (time, digest, steps) = (scheduler.now / 1000, trace.digest.value, scheduler.steps)
        if judge.finding != nil, trace.isKept {
            fleet.describe()
            scheduler.settle()
        }
        // Nobody is left waiting, or simulations would pile up in memory.
        judge.close()
        fleet.end()
        for backend in server.backends { server.end(backend) }
        _ = scheduler.windUp()
        server.forget()
        return Outcome(
            seed: seed, finding: judge.finding, digest: digest, time: time, steps: steps,
            deliveries: judge.deliveries, repeats: judge.repeats, stops: fleet.stops, lines: trace.lines)
    }

    /// What keeps the simulation from its end; a wedge where that takes too long.
    private mutating func unfinished() -> String? {
        guard scheduler.now > plan.calmFrom else { return "faults are to come" }
        if let outside = outsideAtWork {
            // No fault of the relay's: the simulated world itself goes round in circles.
            if scheduler.now > plan.calmFrom + Self.patience { judge.find("WEDGE OF THE PLAN: \(outside)") }
            return outside
        }
        guard let left = fleet.awaitsResume ? "the relays are stopped" : judge.unfinished(server.tables) else {
            guard !hasProbed else { return nil }
            hasProbed = true
            quietSince = nil
            producers.probe()
            return "more events come"
        }
        let since = quietSince ?? scheduler.now
        quietSince = since
        if scheduler.now > since + Self.patience { judge.find("WEDGE: \(left)") }
        return left
    }

    private var outsideAtWork: String? {
        if !producers.areDone { return "producers are at work" }
        if !administrator.isDone { return "an administrator is at work" }
        if !neighbours.areDone { return "others are at work on the table" }
        return server.isUp ? nil : "the server is down"
    }

    private func conclude(_ end: Scheduler.End, _ reason: String?) {
        switch end {
        case .over: break
        case .stuck: judge.find("WEDGE: nothing is to happen any more, and \(reason ?? "all is done")")
        case .endless: judge.find("ENDLESS: more than \(Self.stepLimit) steps")
        }
        judge.judgeStops()
        let bound = plan.policy.memory + 4 * plan.payload.upperBound + 64 << 10
        if fleet.mostBytes > bound { judge.find("MEMORY: \(fleet.mostBytes) bytes are held, of \(bound)") }
    }
}
