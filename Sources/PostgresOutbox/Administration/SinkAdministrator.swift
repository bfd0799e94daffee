import Libpq
import RelayCore

/// Registers, moves and removes sinks, beside a running relay or without one.
///
/// Each request is one transaction. It locks `outbox_sink` in SHARE ROW EXCLUSIVE mode, which waits for the leader's
/// transactions and holds off new ones, and reads only after that, in statements of their own.
package struct SinkAdministrator: Sendable {
    private let session: Session

    package init(_ session: Session) {
        self.session = session
    }

    /// Does what is asked, or refuses.
    ///
    /// - Returns: the sink as it is then; `nil` where it is gone.
    package func perform(_ request: SinkRequest) async throws(Refusal) -> SinkRegistration? {
        try await session.transaction { () async throws(Refusal) in
            try await session.run("LOCK TABLE \(table("outbox_sink")) IN SHARE ROW EXCLUSIVE MODE")
            let facts = try await facts(for: request)
            let decision: SinkAdministration
            do throws(SinkAdministrationRefusal) {
                decision = try SinkAdministration(request, facts)
            } catch {
                throw Refusal(error, request)
            }
            try await write(decision)
            return decision.written
        }
    }

    /// The lowest id that is there, published or not; nil where the outbox is empty.
    package func lowestID() async throws(Refusal) -> Int64? {
        try await rows("SELECT id FROM \(session.schema.table) ORDER BY id LIMIT 1").first?.int(0)
    }

    /// Every registered sink, by name.
    package func list() async throws(Refusal) -> [SinkRegistration] {
        try await rows(
            """
            SELECT name, generation, delivered_through, earned, start, pass_through, removing
            FROM \(table("outbox_sink")) ORDER BY name
            """
        ).map { row in
            SinkRegistration(
                name: row.string(0) ?? "", generation: row.int(1) ?? 0, cursor: row.int(2) ?? 0,
                isEarned: row.bool(3) ?? false, start: row.string(4).flatMap(SinkRegistration.Start.init(rawValue:)),
                passThrough: row.int(5), isRemoving: row.bool(6) ?? false)
        }
    }
}

extension SinkAdministrator {
    private func facts(for request: SinkRequest) async throws(Refusal) -> SinkAdministrationFacts {
        let sinks = try await list()
        let place: Int64? =
            switch request {
            case .add(_, .id(let id)), .move(_, .id(let id)): id
            default: nil
            }
        let oldest = try await rows(
            "SELECT id FROM \(session.schema.unpublished) ORDER BY id LIMIT 1"
        ).first?.int(0)
        // Rows that were committed once: a cursor stands at one, which may have been purged since. One above the sequence
        // is of another history.
        let issued = try await SequenceState(session)?.issued ?? 0
        let passed = sinks.filter { $0.isFixed && $0.cursor <= issued }.map(\.cursor)
        // A cursor is the id of a committed row, or 0. Bounds are parameters, so that the index serves without statistics.
        func highest(below id: Int64?) async throws(Refusal) -> Int64 {
            guard let id else { return 0 }
            let found = try await rows(
                "SELECT id FROM \(session.schema.table) WHERE id < $1::bigint ORDER BY id DESC LIMIT 1", [.int(id)])
            return max(0, found.first?.int(0) ?? 0, passed.filter { $0 < id }.max() ?? 0)
        }
        let highestRow = try await rows("SELECT id FROM \(session.schema.table) ORDER BY id DESC LIMIT 1").first?.int(0)
        return SinkAdministrationFacts(
            sinks: sinks, goal: try await highest(below: place), highestRow: max(0, highestRow ?? 0, passed.max() ?? 0),
            oldestUnpublished: oldest, rowBelowOldest: try await highest(below: oldest))
    }

    private func write(_ decision: SinkAdministration) async throws(Refusal) {
        if let sink = decision.written { try await write(sink) }
        if !decision.deleted.isEmpty {
            for (name, column) in Self.ofASink {
                try await session.run(
                    "DELETE FROM \(table(name)) WHERE \(column) = ANY ($1::text[])", [.textArray(decision.deleted)])
            }
        }
        try await AbsentRanges(session).apply(decision.ranges)
    }

    /// What goes with a sink; parked events stay.
    private static let ofASink: [(table: SQLText, column: SQLText)] = [
        ("outbox_sink", "name"), ("outbox_late", "sink"), ("outbox_sink_state", "sink"),
        ("outbox_parked_request", "sink"),
    ]

    /// The row, in a new generation.
    private func write(_ sink: SinkRegistration) async throws(Refusal) {
        try await session.run(
            """
            INSERT INTO \(table("outbox_sink")) AS s (name, delivered_through, earned, generation, start, pass_through, removing)
            VALUES ($1, $2, $3, nextval($7::regclass), $4, $5, $6)
            ON CONFLICT (name) DO UPDATE SET delivered_through = EXCLUDED.delivered_through, earned = EXCLUDED.earned,
              generation = EXCLUDED.generation, start = EXCLUDED.start, pass_through = EXCLUDED.pass_through,
              removing = EXCLUDED.removing
            """,
            [
                .text(sink.name), .int(sink.cursor), .bool(sink.isEarned),
                sink.start.map { .text($0.rawValue) } ?? .null, sink.passThrough.map { .int($0) } ?? .null,
                .bool(sink.isRemoving), .text(table("outbox_sink_generation_seq").text),
            ])
    }

    private func table(_ name: SQLText) -> SQLText { session.schema.table(name) }

    private func rows(_ text: SQLText, _ parameters: [Parameter] = []) async throws(Refusal) -> [ResultTable.Row] {
        try await Inspector(session).rows(text, parameters)
    }
}

extension Refusal {
    fileprivate init(_ refusal: SinkAdministrationRefusal, _ request: SinkRequest) {
        let name = request.name
        let (problem, remedy) =
            switch refusal {
            case .alreadyRegistered:
                ("sink \(name) is already registered", "use outbox-relay sinks move to set where it continues")
            case .notRegistered:
                ("sink \(name) is not registered", "see outbox-relay sinks list")
            case .stillBeingRemoved:
                (
                    "sink \(name) is still being removed",
                    "try again later; the leader removes it once its cursor has caught up with the other sinks"
                )
            case .aboveHighest(let highest):
                (
                    "no event has an id that high yet",
                    "give an id up to \(highest < Int64.max ? highest + 1 : highest), or latest"
                )
            }
        self.init(.wrongRequest, check: "sink:\(name)", problem: problem, remedy: remedy)
    }
}
