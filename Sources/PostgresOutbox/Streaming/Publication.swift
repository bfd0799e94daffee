import Libpq

/// The publication that the stream is made of: inserts into the unpublished leaf, and nothing else.
struct Publication: Sendable {
    static let name = "outbox_relay"

    private let session: Session

    init(_ session: Session) {
        self.session = session
    }

    /// Creates the publication where it is missing and the role may; refuses one of another shape.
    func ensure() async throws {
        let found = try await session.connection.execute(
            """
            SELECT p.pubinsert AND NOT (p.pubupdate OR p.pubdelete OR p.pubtruncate OR p.puballtables),
              (SELECT count(*) FROM pg_catalog.pg_publication_rel AS r WHERE r.prpubid = p.oid
                AND r.prrelid = 'outbox_unpublished'::regclass)
            FROM pg_catalog.pg_publication AS p WHERE p.pubname = '\(Self.name)'
            """)
        guard let row = found.last?.rows.first else { return try await create() }
        guard row.bool(0) == true, row.int(1) == 1 else {
            throw Refusal(
                .configuration, check: "publication",
                problem: "the publication \(Self.name) is not one of the inserts into outbox_unpublished alone",
                mend: "drop it and run outbox-relay migrate")
        }
    }

    private func create() async throws {
        do {
            try await session.connection.execute(
                "CREATE PUBLICATION \(Self.name) FOR TABLE outbox_unpublished WITH (publish = 'insert')")
        } catch {
            // Somebody else was quicker.
            if error.sqlState == "42710" { return }
            guard error.sqlState == "42501" else { throw error }
            throw Refusal(
                .denied, check: "publication", problem: "the publication \(Self.name) is missing",
                mend: "run outbox-relay migrate as the table's owner")
        }
    }
}
