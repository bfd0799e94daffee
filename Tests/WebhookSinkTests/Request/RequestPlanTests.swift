import Testing

@testable import WebhookSink

@Suite("Which events travel in a request")
struct RequestPlanTests {
    @Test func singlyWithoutBatching() {
        var plan = RequestPlan(count: 3, batch: 1)
        #expect(drain(&plan) == [0..<1, 1..<2, 2..<3])
    }

    @Test func batchesHoldWhatIsThere() {
        var plan = RequestPlan(count: 7, batch: 3)
        #expect(drain(&plan) == [0..<3, 3..<6, 6..<7])
    }

    @Test func batchesEndAtTheirBytes() {
        let widths = [40, 40, 40, 500, 10, 10]
        var plan = RequestPlan(count: 6, batch: 100, byteLimit: 100)
        var requests: [Range<Int>] = []
        while let request = plan.next(width: { widths[$0] }) {
            requests.append(request)
            plan.accepted(request)
        }
        #expect(requests == [0..<2, 2..<3, 3..<4, 4..<6])
    }

    @Test func aRefusedOneIsKnownAtOnce() {
        var plan = RequestPlan(count: 3, batch: 1)
        #expect(plan.refused(0..<1) == .known)
    }

    @Test func narrowingStepByStep() {
        var plan = RequestPlan(count: 8, batch: 8)
        #expect(next(plan) == 0..<8)
        #expect(plan.refused(0..<8) == .narrowed)
        #expect(next(plan) == 0..<4)
        plan.accepted(0..<4)
        #expect(plan.position == 4)
        #expect(next(plan) == 4..<8)
        #expect(plan.refused(4..<8) == .narrowed)
        #expect(next(plan) == 4..<6)
        #expect(plan.refused(4..<6) == .narrowed)
        #expect(next(plan) == 4..<5)
        plan.accepted(4..<5)
        #expect(next(plan) == 5..<6)
        #expect(plan.refused(5..<6) == .known)
        #expect(plan.position == 5)
    }

    @Test func whatTheHalvesTookGoesOnInBatches() {
        // A receiver that wants at most two at a time.
        var plan = RequestPlan(count: 10, batch: 5)
        var taken: [Range<Int>] = []
        while let request = next(plan) {
            if request.count > 2 {
                #expect(plan.refused(request) == .narrowed)
            } else {
                taken.append(request)
                plan.accepted(request)
            }
        }
        #expect(taken == [0..<2, 2..<3, 3..<5, 5..<7, 7..<8, 8..<10])
    }

    @Test(arguments: [1, 2, 3, 7, 16, 33], 0..<33)
    func theOneIsFoundWithAllBeforeItDelivered(batch: Int, culprit: Int) {
        var plan = RequestPlan(count: 33, batch: batch)
        var delivered: [Int] = []
        var requests = 0
        while let request = next(plan) {
            requests += 1
            if request.contains(culprit) {
                guard plan.refused(request) == .known else { continue }
                #expect(request == culprit..<culprit + 1)
                break
            }
            delivered += request
            plan.accepted(request)
        }
        #expect(delivered == Array(0..<culprit))
        #expect(plan.position == culprit)
        #expect(requests <= 33 / batch + 1 + 2 * (Int.bitWidth - batch.leadingZeroBitCount))
    }

    private func next(_ plan: RequestPlan) -> Range<Int>? { plan.next { _ in 1 } }

    private func drain(_ plan: inout RequestPlan) -> [Range<Int>] {
        var requests: [Range<Int>] = []
        while let request = next(plan) {
            requests.append(request)
            plan.accepted(request)
        }
        return requests
    }
}
