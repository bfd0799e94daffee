import RelayCore
import RelayObservability
import SinkConformance
import Testing

@Suite("A filter and a meter keep a sink's promises", .timeLimit(.minutes(2)))
struct FilteringConformanceTests {
    @Test(arguments: SinkPromise.all(of: FilteredMemoryUnderTest.self))
    func keeps(_ promise: SinkPromise) async throws {
        try await promise.check { FilteredMemoryUnderTest() }
    }
}

/// The sink in memory behind a meter, and a filter that everything passes.
private struct FilteredMemoryUnderTest: SinkUnderTest {
    static let faults = Set(SinkFault.allCases)
    static let suppressesDuplicates = false

    private let sink = MemorySink("memory")

    func makeSink() -> any Sink {
        FilteringSink(MeteredSink(sink), EventFilter(types: .init(include: ["transfer.*"], exclude: ["*.reversed"])))
    }
    func inject(_ fault: SinkFault?) { sink.inject(fault) }
    func isHolding() -> Bool { sink.isHolding }
    func arrived() -> [Int64] { sink.ids }
    func end() {}
}
