import RelayTestKit
import Synchronization
import Testing

@testable import RelaySight

@Suite("Whether the loop turns", .timeLimit(.minutes(1)))
struct LivenessTests {
    @Test func theAnswerIsTheLoops() async {
        #expect(await Liveness(limit: .seconds(60)) { true }.answer())
        #expect(await !Liveness(limit: .seconds(60)) { false }.answer())
    }

    /// However many ask, a loop that has stopped is asked once; once it turns again it is asked anew.
    @Test func aLoopThatHasStoppedIsAskedOnce() async throws {
        let asked = Atomic<Int>(0)
        let (turns, turn) = AsyncStream.makeStream(of: Void.self)
        let liveness = Liveness(limit: .milliseconds(20)) {
            asked.add(1, ordering: .relaxed)
            for await _ in turns { return true }
            return false
        }
        for _ in 0..<3 { #expect(await !liveness.answer()) }
        #expect(asked.load(ordering: .relaxed) == 1)
        turn.finish()
        try await eventually("it is asked anew") {
            _ = await liveness.answer()
            return asked.load(ordering: .relaxed) > 1
        }
    }
}
