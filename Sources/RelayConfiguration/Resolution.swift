extension RelayOptions {
    /// Makes the one validated value of what flags, environment and file say.
    ///
    /// The file is checked whole; of the environment only what no flag replaces.
    package init(resolving layers: ConfigurationLayers) throws(ConfigurationProblem) {
        self.init()
        let reader = SettingReader(layers)
        try reader.set(&mode, .mode, choice)
        try reader.set(&order, .order, choice)
        try reader.set(&logLevel, .logLevel, choice)
        try reader.set(&logFormat, .logFormat, choice)
        try reader.set(&database, .database) { setting throws(ConfigurationProblem) in setting.text }
        try reader.set(&source, .source, uriReference)
        try reader.set(&untilDrained, .untilDrained, truth)
        try reader.set(&leaderTimeout, .leaderTimeout, duration(.milliseconds(500) ... .seconds(300)))
        try reader.set(&pollInterval, .pollInterval, duration(.milliseconds(1) ... .seconds(3600)))
        try reader.set(&claimTimeout, .claimTimeout, duration(.milliseconds(100) ... .seconds(600)))
        try reader.set(&shutdownTimeout, .shutdownTimeout, duration(.zero ... .seconds(3600)))
        try reader.set(&maxSlotWAL, .maxSlotWAL, size((1 << 20)...(16 << 40)))
        try reader.set(&memory, .memory, size((1 << 20)...(16 << 40)))
        try reader.set(&batchSize, .batchSize, count(1...100_000))
        try reader.set(&window, .window, count(1...1_000_000))
        if let configured = try layers.sinks() { sinks = configured }
        try refuseCombinations()
    }

    /// What no single option shows.
    private func refuseCombinations() throws(ConfigurationProblem) {
        var names: Set<String> = []
        for sink in sinks where !names.insert(sink.name).inserted {
            throw .configuration("two sinks are named '\(sink.name)'; give each its own name with NAME=SPEC")
        }
        guard order == .none else { return }
        guard mode == .poll else {
            throw .configuration("order none works in poll mode only; use --mode poll, or --order id")
        }
        guard sinks.count == 1 else {
            throw .configuration("order none works with one sink only; leave one, or use --order id")
        }
    }
}

extension ConfigurationLayers {
    /// The list of the highest layer that has one, or `nil`; the file's is read in any case, so that its mistakes show.
    fileprivate func sinks() throws(ConfigurationProblem) -> [SinkOption]? {
        var fromFile: [SinkOption]?
        if let file, let entries = file.sinks {
            var parsed: [SinkOption] = []
            for entry in entries {
                let place = "\(file.path):\(entry.line)"
                let spec = try SinkOption.Spec(parsing: entry.to, at: place)
                if let name = entry.name { try SinkOption.check(name: name, at: place) }
                parsed.append(SinkOption(name: entry.name ?? spec.defaultName, spec: spec))
            }
            fromFile = parsed
        }
        if !sinkFlags.isEmpty { return try Self.sinks(sinkFlags, at: "--sink") }
        let words = environment[OtherVariable.sink]?.split(separator: " ").map(String.init) ?? []
        if !words.isEmpty { return try Self.sinks(words, at: OtherVariable.sink) }
        return fromFile
    }

    private static func sinks(_ texts: [String], at place: String) throws(ConfigurationProblem) -> [SinkOption] {
        var parsed: [SinkOption] = []
        for text in texts { parsed.append(try SinkOption(parsing: text, at: place)) }
        return parsed
    }
}

/// What makes a value of a setting, or says why it is none.
private typealias Parser<Value> = (Setting) throws(ConfigurationProblem) -> Value

extension SettingReader {
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

private func choice<Value: RawRepresentable & CaseIterable>(
    _ setting: Setting
) throws(ConfigurationProblem) -> Value where Value.RawValue == String {
    if let value = Value(rawValue: setting.text) { return value }
    let choices = Value.allCases.map(\.rawValue).joined(separator: ", ")
    throw setting.problem("'\(shown(setting.text))' is none of the choices; write one of \(choices)")
}

private func truth(_ setting: Setting) throws(ConfigurationProblem) -> Bool {
    switch setting.text.lowercased() {
    case "true", "yes", "on", "1": true
    case "false", "no", "off", "0": false
    default: throw setting.problem("'\(shown(setting.text))' is neither true nor false; write one of them")
    }
}

/// CloudEvents 1.0, `source`: a URI reference that is not empty. A wrong URI is a matter of configuration wherever it
/// stands.
private func uriReference(_ setting: Setting) throws(ConfigurationProblem) -> String {
    guard !setting.text.isEmpty, isPrintableASCII(setting.text) else {
        throw .configuration(
            "\(setting.place): '\(shown(setting.text))' is not a URI reference; write one such as /outbox or urn:x:ledger"
        )
    }
    return setting.text
}

private func duration(_ range: ClosedRange<Duration>) -> Parser<Duration> {
    { (setting) throws(ConfigurationProblem) in
        guard let value = Duration(configured: setting.text) else {
            throw setting.problem(
                "'\(shown(setting.text))' is not a duration; write a number and a unit, such as 500ms, 5s, 2m or 7d")
        }
        guard range.contains(value) else {
            throw setting.problem(
                "\(shown(setting.text)) is out of range; write a duration from \(range.lowerBound.configured) "
                    + "to \(range.upperBound.configured)")
        }
        return value
    }
}

private func size(_ range: ClosedRange<Int>) -> Parser<Int> {
    { (setting) throws(ConfigurationProblem) in
        guard let value = ByteCount.parse(setting.text) else {
            throw setting.problem(
                "'\(shown(setting.text))' is not a size; write a number and a unit, such as 512KiB, 64MiB or 1GiB")
        }
        guard range.contains(value) else {
            throw setting.problem(
                "\(shown(setting.text)) is out of range; write a size from \(ByteCount.text(range.lowerBound)) "
                    + "to \(ByteCount.text(range.upperBound))")
        }
        return value
    }
}

private func count(_ range: ClosedRange<Int>) -> Parser<Int> {
    { (setting) throws(ConfigurationProblem) in
        guard setting.text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(setting.text) else {
            throw setting.problem("'\(shown(setting.text))' is not a whole number; write one, such as 1000")
        }
        guard range.contains(value) else {
            throw setting.problem(
                "\(value) is out of range; write a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}
