/// What a configuration that was read again asks of a process that runs with another: decided without doing any of it.
package struct ConfigurationChange: Sendable, Hashable {
    /// Names of sinks, in their configuration's order.
    package private(set) var added: [String] = []
    package private(set) var removed: [String] = []
    /// There before and after, and not as they were: a key of theirs, or what is in a file that they name.
    package private(set) var changed: [String] = []
    /// The level that is logged from now on, where it is another.
    package private(set) var logLevel: RelayOptions.LogLevel?
    /// Options that are others and stay as they were until the process is started again.
    package private(set) var needsRestart: [OptionKey] = []

    /// - Parameters:
    ///   - old: what the process runs with, as it was said.
    ///   - new: what is said now.
    ///   - rewritten: sinks that name a file whose content is not what it was.
    package init(from old: RelayOptions, to new: RelayOptions, rewritten: Set<String> = []) {
        let before = Dictionary(old.sinks.map { ($0.name, $0.withoutPlace) }) { first, _ in first }
        for sink in new.sinks {
            guard let known = before[sink.name] else {
                added.append(sink.name)
                continue
            }
            if known != sink.withoutPlace || rewritten.contains(sink.name) { changed.append(sink.name) }
        }
        let names = Set(new.sinks.map(\.name))
        removed = old.sinks.map(\.name).filter { !names.contains($0) }
        logLevel = new.logLevel == old.logLevel ? nil : new.logLevel
        needsRestart = OptionKey.allCases.filter { key in
            key != .logLevel && key.definition.text(old) != key.definition.text(new)
        }
    }

    /// Whether other sinks are to be served, or the same ones otherwise: by a new relay.
    package var hasOtherSinks: Bool { !(added + removed + changed).isEmpty }

    /// `added billing; removed audit; changed search`
    package var sinksInWords: String {
        [("added", added), ("removed", removed), ("changed", changed)]
            .filter { !$0.1.isEmpty }
            .map { "\($0.0) \($0.1.joined(separator: ", "))" }
            .joined(separator: "; ")
    }
}

extension SinkOption {
    /// A line more above it in the file makes no other sink of it.
    fileprivate var withoutPlace: SinkOption {
        var sink = self
        sink.place = ""
        return sink
    }
}
