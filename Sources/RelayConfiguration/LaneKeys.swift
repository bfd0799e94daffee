internal import RelayCore

/// The keys of an entry that say how the sink's lane behaves.
struct LaneKeys {
    /// What is kept in order.
    private enum Order: String, CaseIterable {
        case id, key
    }

    private(set) var policy = LanePolicy()
    /// Deliveries in flight at once: 1 to 256; more than one with `order: key` only.
    private(set) var concurrency = 1
    /// Events of one request: 1 to 1,000.
    private(set) var batch = 1

    init(reading reader: SectionReader, kind: SinkKind) {
        var order = Order.id
        let areGood = reader.problems.noneIn {
            reader.set(&order, .order) { (setting) throws(ConfigurationProblem) in
                let order: Order = try choice(setting)
                guard order == .id || kind == .webhook else {
                    throw setting.problem("\(kind.noun) supports order: id only; write that, or remove it")
                }
                return order
            }
            reader.set(&concurrency, .concurrency, count(1...256))
        }
        if areGood, concurrency > 1, order != .key {
            reader.note("needs order: key; add it, or write concurrency: 1", of: SinkKey.concurrency.rawValue)
        }
        reader.set(&batch, .batch, count(1...1000))
        if order == .key { policy.order = .key(concurrency: concurrency, batch: batch) }
        reader.set(&policy.onReject, .onReject, choice)
        policy.retry = RetryPolicy(reading: reader)
    }
}

extension RetryPolicy {
    /// A base of 1 ms to 1 min, a maximum of the base to 1 day.
    init(reading entry: SectionReader) {
        self.init()
        guard let reader = entry.reader(.retry) else { return }
        reader.refuseKeys(otherThan: ["base", "max"])
        var (base, max) = (Duration.milliseconds(base), Duration.milliseconds(maximum))
        let areGood = reader.problems.noneIn {
            reader.set(&base, "base", duration(.milliseconds(1) ... .seconds(60)))
            reader.set(&max, "max", duration(.milliseconds(1) ... .seconds(86_400)))
        }
        if areGood, base > max {
            reader.note(
                "the base of \(base.configured) is above the max of \(max.configured); lower base or raise max")
        }
        self.init(base: base.milliseconds, maximum: max.milliseconds)
    }
}
