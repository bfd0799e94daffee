import RelayCore

/// Where a delivery goes: with order by key a sink has several under way, by number.
struct DeliveryPlace: Hashable, Sendable {
    var sink: String
    var flight: Int
}

struct DeliveryUnderWay {
    var number: Int
    var task: Task<Void, Never>
}

extension Relay {
    /// Hands rows to a sink; its answers come back one by one, and then that it is done.
    func deliver(_ place: DeliveryPlace, _ slices: [RowSlice]) {
        let parts = slices.compactMap { slice -> Delivery.Slice? in
            guard let token = slice.token, let batch = batches[token] else { return nil }
            return Delivery.Slice(batch: batch, range: slice.range)
        }
        guard let sink = sinks.first(where: { $0.name == place.sink }), parts.count == slices.count else {
            return decideLater(.deliveryEnded(sink: place.sink, flight: place.flight))
        }
        if let last = slices.last?.ids.last { known.handed(last) }
        deliveryNumber += 1
        let number = deliveryNumber
        // Deliveries that were cancelled may still be ending, and could hold the same keys.
        let before = Array((withdrawn[place.sink] ?? [:]).values)
        let delivery = Delivery(slices: parts)
        let (answers, clock) = (AwaitedAnswers(to: delivery), clock)
        // Where it is cancelled, what the sink answers then, having delivered it, is heard nevertheless.
        let task = clock.task {
            for task in before { await task.value }
            await sink.deliver(delivery) { count, outcome in
                guard answers.add(count, outcome) else { return }
                clock.task { await self.answered(place, number, answers) }
            }
            self.deliveryEnded(place, number, answers)
        }
        deliveries[place] = DeliveryUnderWay(number: number, task: task)
    }

    func cancelDeliveries(_ sink: String) {
        for (place, delivery) in deliveries where place.sink == sink {
            delivery.task.cancel()
            withdrawn[sink, default: [:]][delivery.number] = delivery.task
        }
    }

    /// An answer counts whether or not the relay leads: what left, left.
    private func answered(_ place: DeliveryPlace, _ number: Int, _ answers: AwaitedAnswers) {
        guard deliveries[place]?.number == number else { return }
        bring(inputs(place, answers))
    }

    private func deliveryEnded(_ place: DeliveryPlace, _ number: Int, _ answers: AwaitedAnswers) {
        withdrawn[place.sink]?[number] = nil
        guard deliveries[place]?.number == number else { return }
        deliveries[place] = nil
        bring(inputs(place, answers) + [.deliveryEnded(sink: place.sink, flight: place.flight)])
    }

    private func inputs(_ place: DeliveryPlace, _ answers: AwaitedAnswers) -> [RelayInput] {
        answers.take().map { .answered(sink: place.sink, flight: place.flight, count: $0.count, $0.outcome) }
    }

    private func bring(_ inputs: [RelayInput]) {
        // A lead that is about to close takes nothing more; what left, left, and is told once it is closed.
        if leading == nil {
            decide(inputs)
        } else if isLeading {
            take(inputs, term: term)
        } else {
            leading?.postponed += inputs
        }
    }

    private func decideLater(_ input: RelayInput) {
        let term = term
        spawn { relay in relay.take(input, term: term) }
    }

    /// The time for a clean end is over: deliveries are cut short, what they did is settled.
    func giveUpDeliveries(term: Int) {
        guard term == self.term else { return }
        for delivery in deliveries.values { delivery.task.cancel() }
        let limit = clock.now + settings.leaderTimeout
        spawn { relay in
            await relay.clock.sleep(until: limit)
            relay.endNow(term: term)
        }
    }

    private func endNow(term: Int) {
        guard term == self.term else { return }
        endLead(.finished(.stopped))
    }
}
