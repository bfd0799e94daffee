import RelayCore

extension Relay {
    /// Hands rows to a sink; its answers come back one by one, and then that it is done.
    func deliver(_ name: String, _ slices: [RowSlice]) {
        let parts = slices.compactMap { slice -> Delivery.Slice? in
            guard let token = slice.token, let batch = batches[token] else { return nil }
            return Delivery.Slice(batch: batch, range: slice.range)
        }
        guard let sink = sinks.first(where: { $0.name == name }), parts.count == slices.count else {
            return decideLater(.deliveryEnded(sink: name))
        }
        if let last = slices.last?.ids.last { memory.handed(last) }
        deliveryNumber += 1
        let number = deliveryNumber
        let before = deliveries[name]?.task
        let delivery = Delivery(slices: parts)
        let (answers, feed) = AsyncStream.makeStream(of: Answer.self)
        let task = Task {
            // A delivery that was cancelled may still be ending: a sink has one at a time.
            await before?.value
            async let sent: Void = Self.run(sink, delivery, feed)
            for await answer in answers { self.answered(name, number, answer) }
            await sent
            self.deliveryEnded(name, number)
        }
        deliveries[name] = DeliveryUnderWay(number: number, task: task)
    }

    struct Answer: Sendable {
        var count: Int
        var outcome: DeliveryOutcome
    }

    private nonisolated static func run(
        _ sink: any Sink, _ delivery: Delivery, _ feed: AsyncStream<Answer>.Continuation
    ) async {
        await sink.deliver(delivery) { count, outcome in feed.yield(Answer(count: count, outcome: outcome)) }
        feed.finish()
    }

    /// An answer counts whether or not the relay leads: what left, left.
    private func answered(_ name: String, _ number: Int, _ answer: Answer) {
        guard deliveries[name]?.number == number else { return }
        bring(.answered(sink: name, count: answer.count, answer.outcome))
    }

    private func deliveryEnded(_ name: String, _ number: Int) {
        guard deliveries[name]?.number == number else { return }
        deliveries[name] = nil
        bring(.deliveryEnded(sink: name))
    }

    private func bring(_ input: RelayInput) {
        // A tenure that is about to close takes nothing more; what left, left, and is told once it is closed.
        if tenure == nil {
            decide(input)
        } else if end != nil {
            heldBack.append(input)
        } else {
            take(input, term: term)
        }
    }

    private func decideLater(_ input: RelayInput) {
        let term = term
        spawn { relay in await relay.take(input, term: term) }
    }

    /// The time for a clean end is over: deliveries are cut short, what they did is settled.
    func giveUpDeliveries(term: Int) {
        guard term == self.term else { return }
        for delivery in deliveries.values { delivery.task.cancel() }
        let limit = clock.now + settings.leaderTimeout
        spawn { relay in
            await relay.clock.sleep(until: limit)
            await relay.endNow(term: term)
        }
    }

    private func endNow(term: Int) {
        guard term == self.term else { return }
        endTenure(.finished(.stopped))
    }
}
