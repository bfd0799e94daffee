import RelayCore
import SinkConformance
import Testing

@Suite("The sink in memory keeps a sink's promises", .timeLimit(.minutes(2)))
struct MemoryConformanceTests {
    @Test(arguments: SinkPromise.all(of: MemoryUnderTest.self))
    func keeps(_ promise: SinkPromise) async throws {
        try await promise.check { MemoryUnderTest() }
    }
}

/// The sink and its far side are one here.
private struct MemoryUnderTest: SinkUnderTest {
    static let faults = Set(SinkFault.allCases)
    static let suppressesDuplicates = false

    private let sink = MemorySink("memory")

    func makeSink() -> any Sink { sink }
    func inject(_ fault: SinkFault?) { sink.inject(fault) }
    func isHolding() -> Bool { sink.isHolding }
    func arrived() -> [Int64] { sink.ids }
    func end() {}
}
