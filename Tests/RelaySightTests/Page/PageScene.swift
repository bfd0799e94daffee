import Libpq
import PostgresOutbox
import RelaySight

/// A state of a relay that its page is looked at in, and what the page must then say.
struct PageScene: Sendable {
    /// How readings go on while somebody looks.
    enum Reading: Sendable {
        /// None has come yet.
        case none
        /// As it is, again and again.
        case of(SightReading)
        /// The last one was good; those since fail.
        case failing(after: SightReading, Refusal)
        /// The last one was more than a minute ago.
        case stale(SightReading)
    }

    let name: String
    var role = RelayRole.leading
    let reading: Reading
    /// Texts that the page shows, as they are read.
    var shows: [String] = []
    var hides: [String] = []
    /// Whatever else the relay has told.
    var tell: @Sendable (Sight) -> Void = { _ in }

    init(
        _ name: String, role: RelayRole = .leading, _ reading: Reading, shows: [String], hides: [String] = [],
        tell: @escaping @Sendable (Sight) -> Void = { _ in }
    ) {
        self.name = name
        self.role = role
        self.reading = reading
        self.shows = shows
        self.hides = hides
        self.tell = tell
    }

    /// What the last good reading said.
    var last: SightReading? {
        switch reading {
        case .none: nil
        case .of(let reading), .failing(let reading, _), .stale(let reading): reading
        }
    }
}

/// What the judge is told of a scene.
struct ServedScene: Encodable {
    let name: String
    let url: String
    let shows: [String]
    let hides: [String]
}
