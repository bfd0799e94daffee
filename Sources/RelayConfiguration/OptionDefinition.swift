/// How an option that holds one value is read and written.
struct OptionDefinition {
    /// Sets the option to what a setting says.
    let read: (Setting, inout RelayOptions) throws(ConfigurationProblem) -> Void
    /// The option's value as a setting would say it; nil where it is unset. It may hold a password.
    let text: (RelayOptions) -> String?

    /// - Parameter text: what `parse` would read as the same.
    init<Value>(
        _ option: WritableKeyPath<RelayOptions, Value>, _ parse: @escaping Parser<Value>,
        text: @escaping (Value) -> String?
    ) {
        read = { (setting, options) throws(ConfigurationProblem) in options[keyPath: option] = try parse(setting) }
        self.text = { text($0[keyPath: option]) }
    }

    init(_ option: WritableKeyPath<RelayOptions, String>, _ parse: @escaping Parser<String> = { $0.text }) {
        self.init(option, parse) { $0 }
    }

    init(_ option: WritableKeyPath<RelayOptions, Int>, _ parse: @escaping Parser<Int>) {
        self.init(option, parse) { "\($0)" }
    }

    init(_ option: WritableKeyPath<RelayOptions, Duration>, _ range: ClosedRange<Duration>) {
        self.init(option, duration(range)) { $0.configured }
    }

    /// One of the texts of an enumeration.
    init<Choice: RawRepresentable & CaseIterable>(
        _ option: WritableKeyPath<RelayOptions, Choice>
    ) where Choice.RawValue == String {
        self.init(option, choice) { $0.rawValue }
    }
}

extension OptionKey {
    /// All there is to an option beside its key, its flag and what it is for.
    var definition: OptionDefinition {
        switch self {
        case .mode: OptionDefinition(\.mode)
        case .database: OptionDefinition(\.database)
        case .order: OptionDefinition(\.order)
        case .source: OptionDefinition(\.source, uriReference)
        case .leaderTimeout: OptionDefinition(\.leaderTimeout, .milliseconds(500) ... .seconds(300))
        case .maxSlotWAL: OptionDefinition(\.maxSlotWAL, size((1 << 20)...(16 << 40))) { ByteCount.text($0) }
        case .batchSize: OptionDefinition(\.batchSize, count(1...100_000))
        case .window: OptionDefinition(\.window, count(1...1_000_000))
        case .pollInterval: OptionDefinition(\.pollInterval, .milliseconds(1) ... .seconds(3600))
        case .claimTimeout: OptionDefinition(\.claimTimeout, .milliseconds(100) ... .seconds(600))
        case .memory: OptionDefinition(\.memory, size((1 << 20)...(16 << 40))) { ByteCount.text($0) }
        case .untilDrained: OptionDefinition(\.untilDrained, truth) { "\($0)" }
        case .logLevel: OptionDefinition(\.logLevel)
        case .logFormat: OptionDefinition(\.logFormat)
        case .shutdownTimeout: OptionDefinition(\.shutdownTimeout, .zero ... .seconds(3600))
        case .listen: OptionDefinition(\.listen, listenAddress) { $0?.text }
        case .otlp: OptionDefinition(\.otlp, { $0.text }) { $0 }
        case .keepPublished:
            OptionDefinition(\.keepPublished, duration(.seconds(60) ... .seconds(3650 * 86_400))) { $0?.configured }
        }
    }
}
