import Libpq

extension Inspector {
    /// What a relay's role must be granted, by table. The order is that of the explanation, not of importance.
    private func grants(purging: Bool) -> [(table: String, privileges: [String])] {
        let schema = session.schema
        let outbox = [
            (schema.table.sql.text, ["SELECT", "UPDATE"]), (schema.unpublished.sql.text, ["SELECT", "UPDATE"]),
            // What is purged is locked before.
            (schema.published.sql.text, purging ? ["SELECT", "UPDATE", "DELETE"] : ["SELECT"]),
        ]
        return outbox + Self.ownGrants.map { (schema.table($0.table).text, $0.privileges) }
    }

    /// The same for the relay's own tables, which are beside the outbox.
    private static let ownGrants: [(table: SQLText, privileges: [String])] = [
        ("outbox_migration", ["SELECT"]),
        ("outbox_leader", ["SELECT", "UPDATE"]),
        ("outbox_leader_session", ["SELECT", "INSERT", "DELETE"]),
        ("outbox_sink", ["SELECT", "INSERT", "UPDATE", "DELETE"]),
        ("outbox_sink_state", ["SELECT", "INSERT", "UPDATE", "DELETE"]),
        ("outbox_absent", ["SELECT", "INSERT", "DELETE"]),
        ("outbox_late", ["SELECT", "INSERT", "UPDATE", "DELETE"]),
        ("outbox_parked", ["SELECT", "INSERT", "UPDATE", "DELETE"]),
        ("outbox_parked_request", ["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ]

    /// Privileges of the session's role; a column's UPDATE is enough, since the relay writes only `published_at`.
    ///
    /// - Parameter purging: whether it is to delete what was published.
    func privilegeCheck(purging: Bool) async throws(Refusal) -> Check {
        var missing: [String] = []
        for (name, privileges) in grants(purging: purging) {
            for privilege in privileges where try await !hasPrivilege(privilege, on: name) {
                missing.append("\(privilege) on \(name)")
            }
        }
        missing += try await missingSequencePrivileges()
        guard !missing.isEmpty else { return .passed("privileges") }
        let role = try await rows("SELECT current_user").first?.string(0) ?? ""
        return .failed(
            "privileges", "role \(quotedIdentifier(role)) lacks \(missing.joined(separator: ", "))",
            remedy: "grant it as deploy/postgres/role.sql does")
    }

    /// Whether the role may; a table that is not there counts as granted, other checks name it.
    func hasPrivilege(_ privilege: String, on table: String) async throws(Refusal) -> Bool {
        let byColumn = privilege == "UPDATE" || privilege == "SELECT" || privilege == "INSERT"
        let function: SQLText = byColumn ? "has_any_column_privilege" : "has_table_privilege"
        let found = try await rows(
            "SELECT pg_catalog.\(function)(pg_catalog.to_regclass($1)::pg_catalog.oid, $2)",
            [.text(table), .text(privilege)])
        return found.first?.bool(0) ?? true
    }

    private func missingSequencePrivileges() async throws(Refusal) -> [String] {
        let found = try await rows(
            """
            SELECT s.oid::pg_catalog.regclass::text, needed.privilege
            FROM pg_catalog.pg_class AS s
            JOIN (
              SELECT $1::pg_catalog.oid AS oid, 'SELECT' AS privilege
              UNION ALL SELECT pg_catalog.to_regclass($2)::pg_catalog.oid, 'USAGE'
            ) AS needed ON needed.oid = s.oid
            WHERE s.relkind = 'S' AND NOT pg_catalog.has_sequence_privilege(s.oid, needed.privilege)
            """,
            [
                .int(Int64(session.schema.sequence.oid)),
                .text(session.schema.table("outbox_sink_generation_seq").text),
            ])
        return found.map { "\($0.string(1) ?? "") on \($0.string(0) ?? "")" }
    }

    /// Rows that a policy hides would pass for closed gaps.
    func rowSecurityCheck() async throws(Refusal) -> Check {
        let tables = grants(purging: false).map(\.table)
        let found = try await rows(
            """
            SELECT c.oid::pg_catalog.regclass::text
            FROM pg_catalog.unnest($1::text[]) AS t(name)
            JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(t.name)
            WHERE pg_catalog.row_security_active(c.oid)
            ORDER BY 1
            """, [.textArray(tables)])
        let names = found.compactMap { $0.string(0) }
        guard !names.isEmpty else { return .passed("row_security") }
        return .failed(
            "row_security", "row-level security hides rows of \(names.joined(separator: ", ")) from this role",
            remedy: "give the role BYPASSRLS, or disable row security on the table")
    }

    /// Without it the relay cannot say since when a blocker's transaction is open.
    func monitoringCheck() async throws(Refusal) -> Check {
        guard try await seesAllSessions() else {
            return .failed(
                "monitoring", severity: .warning, "the role cannot see other sessions' ages and names",
                remedy: "grant it pg_read_all_stats, so that sessions that hold back the order can be named")
        }
        return .passed("monitoring", severity: .warning)
    }

    func seesAllSessions() async throws(Refusal) -> Bool {
        try await rows("SELECT pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')").first?.bool(0) == true
    }
}
