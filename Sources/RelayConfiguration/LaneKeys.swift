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

    init(reading section: FileSection, kind: SinkKind) throws(ConfigurationProblem) {
        var order = Order.id
        if let setting = try section.setting(.order) {
            order = try choice(setting)
            guard order == .id || kind == .webhook else {
                throw setting.problem("\(kind.noun) supports order: id only; write that, or remove it")
            }
        }
        if let setting = try section.setting(.concurrency) {
            concurrency = try count(1...256)(setting)
            guard concurrency == 1 || order == .key else {
                throw setting.problem("needs order: key; add it, or write concurrency: 1")
            }
        }
        if let setting = try section.setting(.batch) { batch = try count(1...1000)(setting) }
        if order == .key { policy.order = .key(concurrency: concurrency, batch: batch) }
        if let setting = try section.setting(.onReject) { policy.onReject = try choice(setting) }
        if let retry = try section.section(SinkKey.retry.rawValue) { policy.retry = try RetryPolicy(reading: retry) }
    }
}

extension RetryPolicy {
    /// A base of 1 ms to 1 min, a maximum of the base to 1 day.
    fileprivate init(reading section: FileSection) throws(ConfigurationProblem) {
        self.init()
        try section.refuseKeys(otherThan: ["base", "max"])
        if let setting = try section.setting("base") {
            base = try duration(.milliseconds(1) ... .seconds(60))(setting).milliseconds
        }
        if let setting = try section.setting("max") {
            maximum = try duration(.milliseconds(1) ... .seconds(86_400))(setting).milliseconds
        }
        guard base <= maximum else {
            throw section.problem(
                "the base of \(Duration.milliseconds(base).configured) is above the max of "
                    + "\(Duration.milliseconds(maximum).configured); lower base or raise max")
        }
    }
}
