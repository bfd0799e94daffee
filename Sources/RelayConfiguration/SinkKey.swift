/// A key of an entry of `sinks:`, and the kinds of sinks that it fits.
enum SinkKey: String, CaseIterable {
    case name, to, include, exclude
    case includeAggregates = "include_aggregates"
    case excludeAggregates = "exclude_aggregates"
    case retry, order, concurrency
    case rotate
    case fileMode = "file_mode"
    case secretFiles = "secret_files"
    case mode, batch
    case onReject = "on_reject"
    case timeout
    case connectTimeout = "connect_timeout"
    case idleTimeout = "idle_timeout"
    case headers
    case headerFiles = "header_files"
    case tls

    /// The kinds that may have it. `order: id` and `concurrency: 1` fit all; others are refused by `LaneKeys`.
    var kinds: [SinkKind] {
        switch self {
        case .name, .to, .include, .exclude, .includeAggregates, .excludeAggregates, .retry, .order, .concurrency:
            SinkKind.allCases
        case .rotate, .fileMode: [.file]
        case .secretFiles, .mode, .batch, .onReject, .timeout, .connectTimeout, .idleTimeout, .headers, .headerFiles,
            .tls:
            [.webhook]
        }
    }
}

extension SectionReader {
    /// Notes keys that no sink has, and those that do not fit this kind, and reads on without them.
    ///
    /// - Parameter kind: nil where it is not known: then all fit.
    func fitting(_ kind: SinkKind?) -> SectionReader {
        var fitting = self
        fitting.section.entries = section.entries.filter { fits($0, kind) }
        return fitting
    }

    private func fits(_ entry: FileNode.Entry, _ kind: SinkKind?) -> Bool {
        guard let key = SinkKey(rawValue: entry.key) else {
            if Self.inlineSecrets.contains(entry.key.lowercased()) {
                note(
                    "a secret belongs in a file of its own; name that file in secret_files or header_files",
                    of: entry.key)
            } else {
                let known = SinkKey.allCases.filter { key in kind.map(key.kinds.contains) ?? true }
                problems.note(section.unknownKey(entry, known: known.map(\.rawValue)))
            }
            return false
        }
        guard let kind, !key.kinds.contains(kind) else { return true }
        let fit = key.kinds.map(\.noun).joined(separator: " or ")
        note("applies to \(fit), but this sink is \(kind.noun); remove it", of: entry.key)
        return false
    }

    /// What somebody may call a secret that is written down here.
    private static let inlineSecrets: Set<String> = [
        "secret", "secrets", "signing_secret", "password", "token", "bearer", "authorization", "api_key", "key", "user",
    ]
}
