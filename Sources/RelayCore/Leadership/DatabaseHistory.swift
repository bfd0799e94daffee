/// What a database is, as far as a process can tell whether its history was cut: kept by the process itself, since a new
/// leader overwrites what is recorded in the database.
package struct DatabaseHistory: Hashable, Sendable {
    /// `pg_control_system().system_identifier`.
    package var systemIdentifier: String
    /// The timeline of the present WAL position: a promotion begins a new one.
    package var timeline: Int64
    /// The oids of table, leaves and sequence.
    package var objects: [Int64]
    /// The sequence's file: RESTART IDENTITY makes a new one.
    package var sequenceFile: Int64
    /// When the server was started, as it prints it.
    package var started: String

    package init(systemIdentifier: String, timeline: Int64, objects: [Int64], sequenceFile: Int64, started: String) {
        self.systemIdentifier = systemIdentifier
        self.timeline = timeline
        self.objects = objects
        self.sequenceFile = sequenceFile
        self.started = started
    }

    /// Whether a database of this history can be one of `earlier` from which rows were merely deleted.
    package func continues(_ earlier: DatabaseHistory) -> Bool {
        systemIdentifier == earlier.systemIdentifier && timeline == earlier.timeline && objects == earlier.objects
            && sequenceFile == earlier.sequenceFile
    }
}

/// A row that left and is not there any more.
package struct MissingRow: Hashable, Sendable {
    package var id: Int64
    /// The transaction that wrote it is known to be committed.
    package var isCommitted: Bool

    package init(id: Int64, isCommitted: Bool) {
        self.id = id
        self.isCommitted = isCommitted
    }
}

extension [MissingRow] {
    /// Gone is not gone back: somebody deleted these rows if the same statement finds all that was known when they were
    /// handed over, and, where the server was restarted since, that their transactions are committed.
    ///
    /// - Parameters:
    ///   - before: the history when they were handed over.
    ///   - lastValue: the sequence's last value.
    /// - Returns: what no deletion explains.
    package func timeTravel(since before: DatabaseHistory, now: DatabaseHistory, lastValue: Int64) -> TimeTravel? {
        guard let lowest = self.map(\.id).min() else { return nil }
        guard now.continues(before) else { return .rowChanged(id: lowest) }
        if let above = self.map(\.id).filter({ $0 > lastValue }).min() { return .rowChanged(id: above) }
        guard now.started != before.started else { return nil }
        return self.filter { !$0.isCommitted }.map(\.id).min().map { .rowChanged(id: $0) }
    }
}
