import Libpq

/// Where the outbox is and what it is made of: resolved once for each session, by the catalogue and never by a name that
/// is only usual. Statements use what was resolved.
package struct OutboxSchema: Sendable, Hashable {
    /// The schema in which the search path found the outbox, with everything that is beside it; without quotes.
    package let schema: String
    /// The search path by which it was found, as `current_setting` shows it.
    package let searchPath: String
    /// The partitioned table.
    package let table: OutboxRelation
    /// The leaf FOR VALUES IN (true) of `published_at IS NULL`.
    package let unpublished: OutboxRelation
    /// The leaf FOR VALUES IN (false).
    package let published: OutboxRelation
    /// The sequence that the ids are drawn from: the identity's, or the one that the column owns.
    package let sequence: OutboxRelation
    /// The sequence's file when it was resolved; 0 where there is no sequence. RESTART changes it, and so do most other
    /// changes of a sequence.
    package let sequenceFileNode: UInt32

    /// The schema's name as an SQL identifier, always in quotes.
    package var quoted: SQLText { SQLText(name: schema) }

    /// The name of one of the relay's own tables, which are beside the outbox, as `"ledger".outbox_sink`.
    package func table(_ name: SQLText) -> SQLText { "\(quoted).\(name)" }

    /// The key of the leader's advisory lock, as an SQL expression of type bigint. It is made of the outbox's
    /// qualified name, not of its oid, so that it outlives dump and restore.
    package var leaderKeySQL: SQLText {
        "hashtextextended(\(SQLText(constant: "outbox-relay \(schema).outbox")), 0)"
    }

    /// Finds the outbox by the session's search path.
    ///
    /// - Throws: a configuration refusal where there is none.
    package static func find(on connection: Connection) async throws(Refusal) -> OutboxSchema {
        let found: [ResultTable]
        do {
            // The simple protocol, since a replication session knows no other.
            found = try await connection.execute(
                "\(partsSQL);\nSELECT pg_catalog.current_setting('search_path'), pg_catalog.current_database()")
        } catch {
            throw Refusal(error)
        }
        let path = found.last?.string(0, 0) ?? ""
        guard let parts = found.first, let schema = OutboxSchema(parts, searchPath: path) else {
            throw noOutbox(database: found.last?.string(0, 1) ?? "", searchPath: path)
        }
        return schema
    }

    private static func noOutbox(database: String, searchPath: String) -> Refusal {
        Refusal(
            .configuration, check: "table",
            problem: "database \"\(database)\" has no table outbox on the search path \(searchPath)",
            remedy: "run outbox-relay migrate, or give the role the search_path of the outbox's schema")
    }
}

extension OutboxSchema {
    /// A pattern for the bound of a list of one boolean, whose bytes match `value`.
    private static func bound(_ value: SQLText) -> SQLText {
        "[(][{]CONST :consttype 16 [^{}]*:constisnull false [^{}]*:constvalue [0-9]+ [[]\(value)[]][}][)]"
    }

    /// The outbox that the search path finds, a row for each of its parts.
    ///
    /// The leaves are known by their bounds; one that is being detached is none any more. The sequence is the one that
    /// `pg_get_serial_sequence` gives, which throws where there is no column `id`; of several that the column owns, the
    /// one that its default draws from.
    ///
    /// A bound is read as the catalogue has it: `pg_get_expr` waits for whoever has the leaf locked, and beats must not.
    static let partsSQL: SQLText = """
        WITH outbox AS (SELECT pg_catalog.to_regclass('outbox')::pg_catalog.oid AS oid), part AS (
          SELECT 'table' AS part, oid FROM outbox
          UNION ALL
          SELECT CASE WHEN c.relpartbound::text ~ '\(bound("[0 ]*1[0 ]*"))' THEN 'unpublished'
              WHEN c.relpartbound::text ~ '\(bound("[0 ]*"))' THEN 'published' END, c.oid
            FROM outbox AS o JOIN pg_catalog.pg_inherits AS i ON i.inhparent = o.oid AND NOT i.inhdetachpending
            JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
          UNION ALL
          (SELECT 'sequence', s.seqrelid
            FROM outbox AS o JOIN pg_catalog.pg_attribute AS a ON a.attrelid = o.oid AND a.attname = 'id'
            JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
              AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = a.attrelid
              AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i')
            JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = d.objid
            LEFT JOIN pg_catalog.pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
            ORDER BY d.deptype = 'i' DESC, EXISTS (
              SELECT FROM pg_catalog.pg_depend AS u WHERE u.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
                AND u.objid = f.oid AND u.refobjid = s.seqrelid) DESC, s.seqrelid LIMIT 1))
        SELECT p.part, c.oid, n.nspname, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relfilenode
        FROM part AS p
        JOIN pg_catalog.pg_class AS c ON c.oid = p.oid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        """

    /// - Parameter parts: the rows of ``partsSQL``.
    /// - Returns: nil where the search path finds no outbox.
    init?(_ parts: ResultTable, searchPath: String) {
        var relations: [String: OutboxRelation] = [:]
        var fileNode: UInt32 = 0
        for row in parts.rows {
            guard let part = row.string(0), let oid = row.int(1).flatMap(UInt32.init(exactly:)),
                let schema = row.string(2), let name = row.string(3), let shown = row.string(4)
            else { continue }
            relations[part] = OutboxRelation(schema: schema, name: name, oid: oid, shown: shown)
            if part == "sequence" { fileNode = row.int(5).flatMap(UInt32.init(exactly:)) ?? 0 }
        }
        // While it is renamed the search path may find it by a name that the statement's snapshot does not show yet.
        guard let table = relations["table"], table.name == "outbox" else { return nil }
        func relation(_ part: String, usually name: String) -> OutboxRelation {
            relations[part]
                ?? OutboxRelation(schema: table.schema, name: name, oid: 0, shown: "\(table.schema).\(name)")
        }
        schema = table.schema
        self.searchPath = searchPath
        self.table = table
        unpublished = relation("unpublished", usually: "outbox_unpublished")
        published = relation("published", usually: "outbox_published")
        sequence = relation("sequence", usually: "outbox_id_seq")
        sequenceFileNode = fileNode
    }
}
