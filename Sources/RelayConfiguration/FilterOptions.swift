/// Which events a sink wants; the others count as delivered to it. In a pattern `*` stands for any run of characters.
package struct FilterOptions: Sendable, Hashable {
    /// Patterns of event types of which one must match; empty: all do.
    package var include: [String] = []
    /// Patterns of event types of which none may match.
    package var exclude: [String] = []
    /// The same of aggregate types.
    package var includeAggregates: [String] = []
    package var excludeAggregates: [String] = []

    /// Every event.
    package init() {}

    /// Whether every event passes.
    package var isEmpty: Bool { self == FilterOptions() }

    init(reading section: FileSection) throws(ConfigurationProblem) {
        include = try Self.patterns(section, .include)
        exclude = try Self.patterns(section, .exclude)
        includeAggregates = try Self.patterns(section, .includeAggregates)
        excludeAggregates = try Self.patterns(section, .excludeAggregates)
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
