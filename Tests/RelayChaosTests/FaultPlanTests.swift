import Testing

@testable import RelayChaos

/// What a seed promises.
struct FaultPlanTests {
    private func plan(_ seed: UInt64, _ course: FaultPlan.Course) -> FaultPlan {
        FaultPlan(seed: seed, course: course, hosts: 3, pauses: 50...1500, longest: 6000)
    }

    private func steps(_ plan: FaultPlan, atMost: Int) -> [FaultPlan.Step] {
        var plan = plan
        return (0..<atMost).compactMap { _ in plan.next() }
    }

    @Test func aSeedRepeatsItsPlan() {
        let course = FaultPlan.Course.endless(FaultKind.allCases)
        #expect(steps(plan(7, course), atMost: 300) == steps(plan(7, course), atMost: 300))
        #expect(steps(plan(7, course), atMost: 300) != steps(plan(8, course), atMost: 300))
    }

    @Test func everyKindComes() {
        let found = Set(
            steps(plan(1, .endless(FaultKind.allCases)), atMost: 2000).map { $0.fault.description.prefix(12) })
        for begin in [
            "SIGKILL to t", "SIGKILL to r", "SIGSTOP to t", "SIGTERM to t", "fast restart", "immediate re",
            "SIGKILL to a", "pg_terminate", "network of t", "network of r", "the receiver", "the disk is ",
            "wall clock o", "host of the ",
        ] { #expect(found.contains(Substring(begin)), "\(begin)") }
    }

    @Test func onlyWhatIsNamedComes() {
        for step in steps(plan(1, .endless([.freeze, .disk])), atMost: 200) {
            switch step.fault {
            case .freeze, .fullDisk: break
            default: Issue.record("\(step.fault)")
            }
        }
    }

    @Test func killsAreCounted() {
        let faults = steps(plan(3, .kills(relay: 50, server: 5)), atMost: 1000).map(\.fault)
        #expect(faults.count == 55)
        let relays = faults.count { if case .kill = $0 { true } else { false } }
        #expect(relays == 50)
    }
}
