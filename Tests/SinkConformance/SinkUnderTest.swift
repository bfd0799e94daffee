import RelayCore

/// A sink with its far side, as the conformance suite drives them.
///
/// How a new sink joins:
///
/// 1. Conform to this protocol in the sink's test target: make the far side (a receiver, a file, a pipe) in `init`, and
///    say with `faults` what it can be made to do wrong.
/// 2. Run every promise of the suite, each against a far side of its own:
///
///    ```swift
///    @Suite("The webhook keeps a sink's promises", .timeLimit(.minutes(2)))
///    struct WebhookConformanceTests {
///        @Test(arguments: SinkPromise.all(of: WebhookUnderTest.self))
///        func keeps(_ promise: SinkPromise) async throws {
///            try await promise.check { try await WebhookUnderTest() }
///        }
///    }
///    ```
///
/// The suite uses one sink at a time, gives it one delivery at a time, ids from 1 upwards and lines of about a kilobyte.
package protocol SinkUnderTest: Sendable {
    /// What the far side can be made to do wrong; promises that need other faults are left out.
    static var faults: Set<SinkFault> { get }

    /// Whether an event that comes again does not arrive again, whatever went wrong: true for a sink that looks at what
    /// it wrote. Others may repeat what was in flight when a fault struck.
    static var suppressesDuplicates: Bool { get }

    /// A sink for the far side, not open; also a second one, after the first was closed, as another process would.
    func makeSink() throws -> any Sink

    /// Makes the far side behave so from now on; `nil` makes it well. In the middle of a delivery too.
    func inject(_ fault: SinkFault?) async throws

    /// Whether the far side, under `holdResponse`, holds some of what is being delivered.
    func isHolding() async throws -> Bool

    /// The ids of the events that arrived whole, in the order of arrival, each as often as it arrived. Asked repeatedly
    /// until the answer is the right one, or a deadline has passed: so it need not wait for what is on its way.
    func arrived() async throws -> [Int64]

    /// Lets go of the far side; called once, when the sinks are closed.
    func end() async
}
