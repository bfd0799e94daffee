/// How a sink's lane behaves.
package struct LaneOptions: Sendable, Hashable {
    /// What is kept in order.
    package enum Order: String, CaseIterable, Sendable {
        /// All events: one delivery at a time.
        case id
        /// The events of one `aggregate_id`; different ones travel side by side.
        case key
    }

    /// What becomes of an event that the sink will never accept.
    package enum OnReject: String, CaseIterable, Sendable {
        /// The lane waits, and says so.
        case block
        /// The event goes to `outbox_parked`, and the lane goes on.
        case park
        /// So do the later events of its key.
        case parkKey = "park-key"
    }

    package var order = Order.id
    /// Deliveries in flight at once: 1 to 256; more than one with `order: key` only.
    package var concurrency = 1
    /// Events of one request: 1 to 1,000.
    package var batch = 1
    package var onReject = OnReject.block
    /// The longest wait after the first failure: 1 ms to 1 min.
    package var retryBase = Duration.milliseconds(100)
    /// The longest wait after many: `retryBase` to 1 day.
    package var retryMaximum = Duration.seconds(30)

    package init() {}

    init(reading section: FileSection, kind: SinkKind) throws(ConfigurationProblem) {
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
        if let setting = try section.setting(.onReject) { onReject = try choice(setting) }
        if let retry = try section.section(SinkKey.retry.rawValue) { try read(retry: retry) }
    }

    private mutating func read(retry: FileSection) throws(ConfigurationProblem) {
        try retry.refuseKeys(otherThan: ["base", "max"])
        if let setting = try retry.setting("base") {
            retryBase = try duration(.milliseconds(1) ... .seconds(60))(setting)
        }
        if let setting = try retry.setting("max") {
            retryMaximum = try duration(.milliseconds(1) ... .seconds(86_400))(setting)
        }
        guard retryBase <= retryMaximum else {
            throw retry.problem(
                "the base of \(retryBase.configured) is above the max of \(retryMaximum.configured); "
                    + "lower base or raise max")
        }
    }
}
