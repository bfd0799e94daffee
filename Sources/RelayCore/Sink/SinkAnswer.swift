/// One answer of a sink: what became of the next `count` events that had none.
package struct SinkAnswer: Hashable, Sendable {
    package var count: Int
    package var outcome: DeliveryOutcome

    package init(count: Int, outcome: DeliveryOutcome) {
        self.count = count
        self.outcome = outcome
    }
}
