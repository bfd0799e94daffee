internal import RelayCore

/// The keys of an entry that say which events a sink gets.
extension EventFilter {
    init(reading reader: SectionReader) {
        self.init(
            types: Choice(reading: reader, .include, .exclude),
            aggregates: Choice(reading: reader, .includeAggregates, .excludeAggregates))
    }
}

extension EventFilter.Choice {
    fileprivate init(reading reader: SectionReader, _ include: SinkKey, _ exclude: SinkKey) {
        self.init(include: Self.patterns(reader, include), exclude: Self.patterns(reader, exclude))
    }

    private static func patterns(_ reader: SectionReader, _ key: SinkKey) -> [String] {
        reader.list(key, limit: 100) { (setting) throws(ConfigurationProblem) in
            guard (1...255).contains(setting.text.utf8.count) else {
                throw setting.problem("a pattern has 1 to 255 bytes; write one such as transfer.*")
            }
            return setting.text
        }
    }
}
