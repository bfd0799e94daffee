internal import RelayCore

/// The keys of an entry that say which events a sink gets.
extension EventFilter {
    init(reading section: FileSection) throws(ConfigurationProblem) {
        self.init(
            types: try Choice(reading: section, .include, .exclude),
            aggregates: try Choice(reading: section, .includeAggregates, .excludeAggregates))
    }
}

extension EventFilter.Choice {
    fileprivate init(
        reading section: FileSection, _ include: SinkKey, _ exclude: SinkKey
    ) throws(ConfigurationProblem) {
        self.init(
            include: try Self.patterns(section, include), exclude: try Self.patterns(section, exclude))
    }

    private static func patterns(_ section: FileSection, _ key: SinkKey) throws(ConfigurationProblem) -> [String] {
        var patterns: [String] = []
        for setting in try section.settings(key.rawValue, limit: 100) {
            guard (1...255).contains(setting.text.utf8.count) else {
                throw setting.problem("a pattern has 1 to 255 bytes; write one such as transfer.*")
            }
            patterns.append(setting.text)
        }
        return patterns
    }
}
