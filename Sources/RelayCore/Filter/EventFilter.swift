/// Which events a sink wants, by event type and by aggregate type.
package struct EventFilter: Sendable, Hashable {
    /// What is wanted of one text of an event.
    package struct Choice: Sendable, Hashable {
        private let include: [EventPattern]
        private let exclude: [EventPattern]

        /// - Parameters:
        ///   - include: patterns of which one must match; empty: any text is wanted.
        ///   - exclude: patterns of which none may match.
        package init(include: [String] = [], exclude: [String] = []) {
            self.include = include.map { EventPattern($0) }
            self.exclude = exclude.map { EventPattern($0) }
        }

        var isEverything: Bool { include.isEmpty && exclude.isEmpty }

        func wants(_ text: UnsafeRawBufferPointer) -> Bool {
            (include.isEmpty || include.contains { $0.matches(text) }) && !exclude.contains { $0.matches(text) }
        }
    }

    private let types: Choice
    private let aggregates: Choice

    /// An event passes if both are wanted.
    package init(types: Choice = Choice(), aggregates: Choice = Choice()) {
        self.types = types
        self.aggregates = aggregates
    }

    /// Whether every event passes.
    package var isEverything: Bool { types.isEverything && aggregates.isEverything }

    /// Whether an event of these passes, in UTF-8.
    package func passes(eventType: UnsafeRawBufferPointer, aggregateType: UnsafeRawBufferPointer) -> Bool {
        types.wants(eventType) && aggregates.wants(aggregateType)
    }

    /// Whether an event of a batch passes.
    package func passes(_ batch: EventBatch, _ index: Int) -> Bool {
        (types.isEverything || batch.withEventType(index, types.wants))
            && (aggregates.isEverything || batch.withAggregateType(index, aggregates.wants))
    }
}
