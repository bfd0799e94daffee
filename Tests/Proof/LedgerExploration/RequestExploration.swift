import StateSpace

/// Walks every state that three clients of one key can come to, breadth first.
package struct RequestExploration {
    package struct Report: Sendable {
        package var distinct = 0
        package var generated = 0
        package var depth = 0
        /// What was broken, and the shortest way there.
        package var finding: String?
        package var way: [String] = []
    }

    /// - Parameters:
    ///   - tries: how often each client sends its request.
    ///   - crashes: how many servers die, sessions are lost and answers are missed, together.
    ///   - refusals: how many times the ledger refuses.
    package static func run(
        tries: UInt8, crashes: UInt8, refusals: UInt8, mutant: RequestMutant? = nil
    ) -> Report {
        let stepper = RequestStepper(mutant: mutant)
        let first = RequestStepper.start(tries: tries, crashes: crashes, refusals: refusals)
        var report = Report()
        var seen = StateTable()
        _ = seen.insert(first)
        var origins: [(parent: UInt32, step: RequestStepper.Step?)] = [(0, nil)]
        var frontier: [(number: UInt32, world: RequestWorld)] = [(0, first)]
        while !frontier.isEmpty {
            var next: [(number: UInt32, world: RequestWorld)] = []
            for (number, world) in frontier {
                let steps = stepper.steps(world)
                if steps.isEmpty, let fault = faultAtRest(world) {
                    return found(fault, number, origins, &report)
                }
                for step in steps {
                    var successor = world
                    stepper.take(step, &successor)
                    report.generated += 1
                    let (place, isNew) = seen.insert(successor)
                    guard isNew else { continue }
                    origins.append((number, step))
                    if let fault = successor.fault { return found(fault, place, origins, &report) }
                    next.append((place, successor))
                }
            }
            report.distinct = origins.count
            frontier = next
            if !frontier.isEmpty { report.depth += 1 }
        }
        return report
    }

    /// Where nothing can happen any more: nobody waits for ever.
    private static func faultAtRest(_ world: RequestWorld) -> String? {
        if world.posting != nil { return "a transaction neither commits nor ends" }
        return world.clients.contains { $0.machine != nil } ? "a request waits for ever" : nil
    }

    private static func found(
        _ fault: String, _ last: UInt32, _ origins: [(parent: UInt32, step: RequestStepper.Step?)],
        _ report: inout Report
    ) -> Report {
        report.finding = fault
        report.distinct = origins.count
        var number = last
        while let step = origins[Int(number)].step {
            report.way.insert("\(step)", at: 0)
            number = origins[Int(number)].parent
        }
        return report
    }
}
