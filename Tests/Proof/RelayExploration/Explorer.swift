import StateSpace

/// Walks every state of a scenario, breadth first, and every one only once.
package struct Explorer {
    package struct Report: Sendable {
        package var generated = 0
        package var distinct = 0
        package var depth = 0
        /// Every state within the bounds was seen.
        package var isComplete = false
        /// What was broken, and the shortest way there.
        package var finding: String?
        package var schedule: [String] = []
    }

    private let scenario: Scenario
    private var seen = StateTable()
    private var origins: [(parent: UInt32, step: Step)] = []
    private var ways: [(from: UInt32, to: UInt32)] = []
    private var rests: [UInt32] = []
    private var report = Report()

    package init(_ scenario: Scenario) {
        self.scenario = scenario
    }

    /// Explores until something is broken, all is seen, or the scenario's limit is reached.
    package static func run(_ scenario: Scenario) -> Report {
        var explorer = Explorer(scenario)
        explorer.explore()
        return explorer.report
    }

    private mutating func explore() {
        let first = Stepper.firstState(scenario)
        _ = seen.insert(first)
        origins.append((0, Step(.startRelay)))
        var frontier: [(index: UInt32, state: State)] = [(0, first)]
        while !frontier.isEmpty, report.finding == nil {
            var next: [(index: UInt32, state: State)] = []
            for (index, state) in frontier {
                expand(index, state, &next)
                if report.finding != nil { break }
            }
            report.distinct = origins.count
            frontier = next
            if frontier.isEmpty { break }
            report.depth += 1
            if origins.count >= scenario.limit { return }
        }
        guard report.finding == nil else { return }
        report.isComplete = true
        findWedge()
    }

    private mutating func expand(_ index: UInt32, _ state: State, _ next: inout [(index: UInt32, state: State)]) {
        if state.isAtRest(scenario) { rests.append(index) }
        let stepper = Stepper(scenario, state)
        for step in stepper.possibleSteps() {
            var successor = stepper
            successor.take(step)
            report.generated += 1
            if let finding = successor.finding {
                report.finding = finding
                report.schedule = schedule(to: index) + [step.description]
                return
            }
            let (number, isNew) = seen.insert(successor.state)
            if isNew {
                origins.append((index, step))
                next.append((number, successor.state))
            }
            if !step.isMisfortune, number != index { ways.append((index, number)) }
        }
    }

    /// From every state some way without misfortune leads to rest; else the relay is stuck.
    private mutating func findWedge() {
        var starts = [Int](repeating: 0, count: origins.count + 1)
        for way in ways { starts[Int(way.to) + 1] += 1 }
        for index in 1..<starts.count { starts[index] += starts[index - 1] }
        var cursor = starts
        var sources = [UInt32](repeating: 0, count: ways.count)
        for way in ways {
            sources[cursor[Int(way.to)]] = way.from
            cursor[Int(way.to)] += 1
        }
        var reaches = [Bool](repeating: false, count: origins.count)
        for rest in rests { reaches[Int(rest)] = true }
        var open = rests
        while let state = open.popLast() {
            for source in sources[starts[Int(state)]..<starts[Int(state) + 1]] where !reaches[Int(source)] {
                reaches[Int(source)] = true
                open.append(source)
            }
        }
        guard let stuck = reaches.firstIndex(of: false) else { return }
        report.finding = "WEDGE: no way leads to rest from here (\(reaches.count { !$0 }) such states)"
        report.schedule = schedule(to: UInt32(stuck))
    }

    private func steps(to index: UInt32) -> [Step] {
        var result: [Step] = []
        var at = index
        while at != 0 {
            result.append(origins[Int(at)].step)
            at = origins[Int(at)].parent
        }
        return result.reversed()
    }

    /// The steps on the shortest way, and the state at its end.
    private func schedule(to index: UInt32) -> [String] {
        var stepper = Stepper(scenario, Stepper.firstState(scenario))
        var lines: [String] = []
        for step in steps(to: index) {
            stepper.take(step)
            lines.append(step.description)
            if scenario.showsStates { lines.append(stepper.state.summary) }
        }
        lines.append("state: \(stepper.state.summary)")
        return lines
    }
}
