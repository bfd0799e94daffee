private import RelayCore
private import WebhookSink

extension RelayOptions {
    /// Makes the one validated value of what flags, environment and file say.
    ///
    /// The file is checked whole; of the environment only what no flag replaces.
    package init(resolving layers: ConfigurationLayers) throws(ConfigurationProblem) {
        self.init()
        try layers.set(&mode, .mode, choice)
        try layers.set(&order, .order, choice)
        try layers.set(&logLevel, .logLevel, choice)
        try layers.set(&logFormat, .logFormat, choice)
        try layers.set(&database, .database) { setting throws(ConfigurationProblem) in setting.text }
        try layers.set(&source, .source, uriReference)
        try layers.set(&untilDrained, .untilDrained, truth)
        try layers.set(&leaderTimeout, .leaderTimeout, duration(.milliseconds(500) ... .seconds(300)))
        try layers.set(&pollInterval, .pollInterval, duration(.milliseconds(1) ... .seconds(3600)))
        try layers.set(&claimTimeout, .claimTimeout, duration(.milliseconds(100) ... .seconds(600)))
        try layers.set(&shutdownTimeout, .shutdownTimeout, duration(.zero ... .seconds(3600)))
        try layers.set(&maxSlotWAL, .maxSlotWAL, size((1 << 20)...(16 << 40)))
        try layers.set(&memory, .memory, size((1 << 20)...(16 << 40)))
        try layers.set(&batchSize, .batchSize, count(1...100_000))
        try layers.set(&window, .window, count(1...1_000_000))
        try layers.set(&listen, .listen) { setting throws(ConfigurationProblem) in try listenAddress(setting) }
        try layers.set(&otlp, .otlp) { setting throws(ConfigurationProblem) in setting.text }
        try layers.set(&keepPublished, .keepPublished) { (setting) throws(ConfigurationProblem) -> Duration? in
            try duration(.seconds(60) ... .seconds(3650 * 86_400))(setting)
        }
        if let configured = try layers.sinks() { sinks = configured }
        try refuseCombinations()
        if order == .none { try fitTimeouts() }
    }

    /// What no single option shows.
    private func refuseCombinations() throws(ConfigurationProblem) {
        guard order == .none else { return }
        guard mode == .poll else {
            throw .configuration("order none works in poll mode only; use --mode poll, or --order id")
        }
        guard keepPublished == nil else {
            throw .configuration(
                "order none has no leader to purge for keep_published; remove it and run outbox-relay purge, "
                    + "or use --order id")
        }
        guard sinks.count == 1 else {
            throw .configuration("order none works with one sink only; remove the others, or use --order id")
        }
        if let sink = sinks.first(where: { $0.lane.order != .id || $0.lane.onReject == .parkKey }) {
            throw .configuration(
                "\(sink.place): order none keeps no order by key; remove order: key and park-key, or use --order id")
        }
    }

    /// Without order an event is held by a claim until it is delivered: a request that takes longer than the claim would
    /// be sent again for ever.
    private mutating func fitTimeouts() throws(ConfigurationProblem) {
        for index in sinks.indices {
            guard case .webhook(var webhook) = sinks[index].destination, webhook.timeout >= claimTimeout else {
                continue
            }
            if let timeout = webhook.chosenTimeout {
                throw .configuration(
                    "\(sinks[index].place): with order none the timeout of sink \(sinks[index].name), "
                        + "\(timeout.configured), must be below the claim timeout of \(claimTimeout.configured), "
                        + "or slow answers are discarded; lower timeout, or raise --claim-timeout")
            }
            // The rest is for the mark.
            webhook.timeout = claimTimeout * 4 / 5
            sinks[index].destination = .webhook(webhook)
        }
    }
}

extension ConfigurationLayers {
    /// Sets an option to what the highest layer says; leaves it where none does.
    fileprivate func set<Value>(
        _ option: inout Value, _ key: OptionKey, _ parse: Parser<Value>
    ) throws(ConfigurationProblem) {
        let settings = settings(of: key)
        guard let first = settings.first else { return }
        option = try parse(first)
        if let last = settings.last, last != first, last.layer == .file { _ = try parse(last) }
    }
}
