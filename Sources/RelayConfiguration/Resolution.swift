private import RelayCore
private import WebhookSink

/// The one value that flags, environment and file come to, and where each part of it is from.
package struct Resolution: Sendable {
    /// What is said, or the default where nothing is.
    package private(set) var said = RelayOptions()
    /// The same, with what one option makes of another.
    package private(set) var options = RelayOptions()
    /// Of each option that is said, the setting that counts.
    private(set) var settings: [OptionKey: Setting] = [:]
    let file: ConfigurationFile?
    /// Which layer the sinks are from.
    private(set) var sinkLayer = ConfigurationLayer.default

    /// Resolves the layers: the file is checked whole; of the environment only what no flag replaces.
    package init(_ layers: ConfigurationLayers) throws(ConfigurationProblems) {
        let found = FoundProblems()
        self.init(layers, noting: found)
        try found.check()
    }

    /// The same for whoever has more to find: what is wrong is noted, and has its default in the value.
    package init(_ layers: ConfigurationLayers, noting found: FoundProblems) {
        file = layers.file
        found.note(layers.file?.problems ?? [])
        var bad = layers.file?.badValues ?? []
        for key in OptionKey.allCases {
            let isGood = found.noneIn { read(key, layers.settings(of: key), noting: found) }
            if !isGood { bad.insert(key) }
        }
        let sinksAreGood = found.noneIn { readSinks(layers, noting: found) } && layers.file?.hasBadSinks != true
        options = combined(said, without: bad, sinksAreGood: sinksAreGood, noting: found)
    }

    private mutating func read(_ key: OptionKey, _ all: [Setting], noting found: FoundProblems) {
        guard let first = all.first else { return }
        settings[key] = first
        found.value(line: first.line) { () throws(ConfigurationProblem) in try key.definition.read(first, &said) }
        guard let last = all.last, last != first, last.layer == .file else { return }
        var unused = said
        found.value(line: last.line) { () throws(ConfigurationProblem) in try key.definition.read(last, &unused) }
    }

    private mutating func readSinks(_ layers: ConfigurationLayers, noting found: FoundProblems) {
        guard let (sinks, layer) = layers.sinks(noting: found) else { return }
        said.sinks = sinks
        sinkLayer = layer
    }

    /// A problem of an option's value that shows elsewhere.
    package func problem(_ sentence: String, of key: OptionKey) -> ConfigurationProblem {
        let setting = settings[key]
        return .configuration("\(setting.map { "\($0.place): " } ?? "")\(sentence)").on(line: setting?.line)
    }

    /// What goes on in a process that has begun with this one and now finds the other: its sinks, its log level, and all else
    /// as it was.
    package func reread(as new: Resolution, noting found: FoundProblems) -> Resolution {
        var next = self
        next.said.sinks = new.said.sinks
        next.said.logLevel = new.said.logLevel
        next.options = next.combined(next.said, noting: found)
        return next
    }
}

extension RelayOptions {
    /// The one validated value of what flags, environment and file say.
    package init(resolving layers: ConfigurationLayers) throws(ConfigurationProblems) {
        self = try Resolution(layers).options
    }
}

/// What no single option shows.
extension Resolution {
    /// - Parameters:
    ///   - bad: options that are not what was meant, so that nothing can be said of what they come to with others.
    ///   - sinksAreGood: the same of the sinks.
    private func combined(
        _ said: RelayOptions, without bad: Set<OptionKey> = [], sinksAreGood: Bool = true, noting found: FoundProblems
    ) -> RelayOptions {
        guard said.order == .none, !bad.contains(.order) else { return said }
        if said.mode != .poll, !bad.contains(.mode) {
            found.note(
                problem("order none works in poll mode only; use --mode poll, or --order id", of: .order))
        }
        if said.keepPublished != nil, !bad.contains(.keepPublished) {
            found.note(
                problem(
                    "order none has no leader to purge for keep_published; remove it and run outbox-relay purge, "
                        + "or use --order id", of: .keepPublished))
        }
        guard sinksAreGood else { return said }
        if said.sinks.count != 1 {
            found.note(
                problem("order none works with one sink only; remove the others, or use --order id", of: .order))
        }
        for sink in said.sinks where sink.lane.order != .id || sink.lane.onReject == .parkKey {
            found.note(
                .configuration(
                    "\(sink.place): order none keeps no order by key; remove order: key and park-key, or use --order id"
                ))
        }
        return bad.contains(.claimTimeout) ? said : fitting(said, noting: found)
    }

    /// Without order an event is held by a claim until it is delivered: a request that takes longer than the claim would
    /// be sent again for ever.
    private func fitting(_ said: RelayOptions, noting found: FoundProblems) -> RelayOptions {
        var options = said
        let limit = options.claimTimeout
        for (index, sink) in options.sinks.enumerated() {
            guard case .webhook(var webhook) = sink.destination, webhook.timeout >= limit else { continue }
            if let timeout = webhook.chosenTimeout {
                found.note(
                    .configuration(
                        "\(sink.place): with order none the timeout of sink \(sink.name), \(timeout.configured), must be "
                            + "below the claim timeout of \(limit.configured), or slow answers are discarded; "
                            + "lower timeout, or raise --claim-timeout"))
            }
            // The rest is for the mark.
            webhook.timeout = limit * 4 / 5
            options.sinks[index].destination = .webhook(webhook)
        }
        return options
    }
}
