import Libpq
import RelayCore

/// Deletes published rows that nobody needs any more, a page at a time: decision 24.
///
/// A row may go that was published before the cutoff, by the server's clock, and lies at or below the cursor of every
/// registered sink (``PurgeBound``). Parked events have copies of their own and hold nothing. The walk goes through the
/// published leaf by its primary key, upwards, and never passes a row that must stay though it is old enough: whoever
/// tells from the lowest row that is left what may have been purged (`verify`, `ledger reconcile`) is right then.
///
/// Anybody may do it at any time, also beside a leader, or one that was deposed: it reads cursors in the transaction that
/// deletes, and nothing else of it depends on who leads.
package struct Purge: Sendable {
    /// Rows that one look reads, and the most that one transaction deletes.
    package static let pageSize = 1000
    /// How often a page is tried again that others were in the way of.
    private static let tries = 5

    /// Rows go that were published before; RFC 3339, in UTC.
    package let cutoff: String
    package private(set) var findings = PurgeFindings()

    private let session: Session
    private let isDryRun: Bool
    private let patience: Int
    /// Everything below was looked at.
    package private(set) var next = Int64.min
    /// Pages without anything old enough, since the last that had some.
    private var youngPages = 0

    /// Fixes the cutoff.
    ///
    /// - Parameters:
    ///   - session: of an administrator; what it waits for locks, and for its commits, is set here.
    ///   - age: how long ago a row must have been published.
    ///   - isDryRun: nothing is deleted, only counted.
    ///   - patience: after so many pages in a row without anything old enough the purge is done: rows are published about
    ///     in the order of their ids, and those that were not are found by a later purge.
    /// - Throws: also where the role may not delete.
    package init(
        _ session: Session, olderThan age: Duration, isDryRun: Bool = false, patience: Int = 1000
    ) async throws(Refusal) {
        self.session = session
        self.isDryRun = isDryRun
        self.patience = patience
        let schema = session.schema
        guard schema.published.exists else {
            throw Refusal(
                .configuration, check: "table", problem: "\(schema.table.shown) has no partition FOR VALUES IN (false)",
                remedy: "run outbox-relay doctor")
        }
        // Purged rows that a crash or a failover brings back are purged again: no commit is waited for, of a standby
        // least of all, since the lock that the transaction holds would be held meanwhile.
        try await session.run("SET synchronous_commit = off")
        try await session.run("SET lock_timeout = '2s'")
        try await session.run("SET statement_timeout = '30s'")
        let row = try await Inspector(session).rows(
            """
            SELECT to_char((clock_timestamp() - $1::bigint * interval '1 millisecond') AT TIME ZONE 'UTC',
                'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
              pg_catalog.has_table_privilege(\(schema.published.oidSQL), 'DELETE'), pg_catalog.quote_ident(current_user)
            """, [.int(age.milliseconds)]
        ).first
        guard let cutoff = row?.string(0) else {
            throw Refusal(.unexpected, check: "connection", problem: "the server does not tell its time", remedy: "")
        }
        self.cutoff = cutoff
        guard isDryRun || row?.bool(1) == true else {
            let (role, leaf) = (row?.string(2) ?? "", schema.published.shown)
            throw Refusal(
                .denied, check: "privileges", problem: "the role \(role) may not delete from \(leaf)",
                remedy: "run GRANT DELETE ON \(leaf) TO \(role) as its owner")
        }
    }

    /// Looks at the next page and deletes what may go.
    ///
    /// - Returns: whether there is more to look at; if not, ``findings`` say why. The caller pauses in between.
    /// - Throws: the purge is of no more use then; what it has deleted is gone.
    package mutating func nextPage() async throws(Refusal) -> Bool {
        guard findings.end == nil else { return false }
        let bound = try await PurgeBound.read(session)
        guard let through = bound.through else {
            findings.end = .sink(bound.sink ?? "", through: nil)
            return false
        }
        let page = try await look(from: next, through: through)
        let removal = try await remove(page.filter(\.isOld).map(\.id))
        findings.add(removal.ids)
        if let kept = removal.kept {
            findings.end = .row(kept)
        } else if removal.isPart {
            // The rest of the page is looked at once more.
            if let last = removal.ids.last { advance(past: last) }
        } else if page.count < Self.pageSize {
            findings.end = try await end(at: bound)
        } else {
            youngPages = page.contains(where: \.isOld) ? 0 : youngPages + 1
            if let last = page.last?.id { advance(past: last) }
            if youngPages >= patience { findings.end = .done }
        }
        return findings.end == nil
    }

    private mutating func advance(past id: Int64) {
        let (above, isLast) = id.addingReportingOverflow(1)
        if isLast { findings.end = .done } else { next = above }
    }

    /// Nothing is left at or below the bound.
    private func end(at bound: PurgeBound) async throws(Refusal) -> PurgeEnd {
        guard let sink = bound.sink, let through = bound.through, through < .max else { return .done }
        let above = try await look(from: through + 1, through: .max)
        return above.contains(where: \.isOld) ? .sink(sink, through: through) : .done
    }

    // MARK: - Looking

    private struct LookedAt: Sendable {
        var id: Int64
        var isOld: Bool
    }

    /// The lowest published rows of a range.
    private func look(from first: Int64, through last: Int64) async throws(Refusal) -> [LookedAt] {
        guard first <= last else { return [] }
        return try await Inspector(session).rows(
            """
            SELECT id, published_at < $3::timestamptz FROM \(session.schema.published)
            WHERE id >= $1::bigint AND id <= $2::bigint ORDER BY id LIMIT \(Self.pageSize)
            """, [.int(first), .int(last), .text(cutoff)]
        ).compactMap { row in
            row.int(0).map { LookedAt(id: $0, isOld: row.bool(1) ?? false) }
        }
    }

    /// The lowest published row, and about where the rows end that are old enough: right where they were published in the
    /// order of their ids. For whoever shows how far a purge is; nil where there is none.
    package func expectedSpan() async throws(Refusal) -> (first: Int64, last: Int64)? {
        let bound = try await PurgeBound.read(session)
        guard let through = bound.through, let lowest = try await look(from: .min, through: through).first else {
            return nil
        }
        var (low, high) = (lowest.id, through)
        if through == .max {
            let highest = try await Inspector(session).rows(
                "SELECT id FROM \(session.schema.published) ORDER BY id DESC LIMIT 1")
            high = max(low, highest.first?.int(0) ?? low)
        }
        // Halved: at most 64 looks at one row each. The distance of two ids need not fit into a signed integer.
        while low < high {
            let middle = low &+ Int64(bitPattern: UInt64(bitPattern: high &- low) / 2)
            let found = try await Inspector(session).rows(
                """
                SELECT published_at < $2::timestamptz FROM \(session.schema.published)
                WHERE id >= $1::bigint ORDER BY id LIMIT 1
                """, [.int(middle), .text(cutoff)])
            if found.first?.bool(0) == true { low = middle + 1 } else { high = middle }
        }
        return (lowest.id, high)
    }
}

// MARK: - Deleting

extension Purge {
    /// What became of rows that may go.
    private struct Removal: Sendable {
        /// The lowest of them, which are gone.
        var ids: [Int64] = []
        /// The first that stays; nil: none was in the way.
        var kept: KeptRow?
        /// Others than these are left, and nothing is known of them yet.
        var isPart = false
    }

    /// What one transaction did.
    private enum Attempt: Sendable {
        case removed(Removal)
        /// It was undone, since the server left this row out without an error.
        case skipped(Int64)
    }

    /// Deletes these rows up to the first that must stay. A row that the server refuses is found by halving, each half in
    /// a transaction of its own: what lies below it goes.
    ///
    /// - Parameter ids: ascending.
    private func remove(_ ids: [Int64]) async throws(Refusal) -> Removal {
        if isDryRun { return try await preview(ids) }
        var wanted = ids
        var kept: KeptRow?
        var failures = 0
        while !wanted.isEmpty {
            do throws(PostgresError) {
                switch try await attempt(wanted) {
                case .skipped(let id):
                    kept = KeptRow(id: id, cause: .refused("a trigger or rule on the table keeps it"))
                    wanted.removeAll { $0 >= id }
                case .removed(var removal):
                    removal.kept = removal.kept ?? kept
                    removal.isPart = removal.isPart || (kept == nil && wanted.count < ids.count)
                    return removal
                }
            } catch {
                guard RowNarrowing.mayBeRows(error) else { throw Refusal(error) }
                // What takes too long is too much at once.
                if error.canRetry, error.sqlState != "57014" {
                    // Such as a row that moved to the other leaf just then.
                    failures += 1
                    guard failures < Self.tries else { throw Refusal(error) }
                } else if wanted.count == 1 {
                    return Removal(kept: KeptRow(id: wanted[0], cause: .refused(error.message)))
                } else {
                    wanted = Array(wanted.prefix(wanted.count / 2))
                }
            }
        }
        return Removal(kept: kept)
    }

    /// One transaction. The sinks are locked as the leader's transactions lock them: an administrator who sets a cursor
    /// back is either seen or waits. It waits for no row, since whoever wants that lock would wait as well.
    private func attempt(_ ids: [Int64]) async throws(PostgresError) -> Attempt {
        let (connection, schema) = (session.connection, session.schema)
        do throws(PostgresError) {
            let tables = try await connection.run([
                .begin, Statement("LOCK TABLE \(schema.table("outbox_sink")) IN ROW EXCLUSIVE MODE"),
                PurgeBound.statement(schema),
            ])
            let allowed = try PurgeBound(tables.last).allowed(ids)
            var removal = try await free(among: allowed)
            removal.isPart = allowed.count < ids.count && removal.kept == nil
            if !removal.ids.isEmpty {
                let deleted = try await connection.query(
                    "DELETE FROM \(schema.published) WHERE id = ANY($1::bigint[]) RETURNING id",
                    [.int8Array(removal.ids)])
                if deleted.rowCount < removal.ids.count {
                    let gone = Set(deleted.rows.compactMap { $0.int(0) })
                    if let skipped = removal.ids.first(where: { !gone.contains($0) }) {
                        try await connection.rollBack()
                        return .skipped(skipped)
                    }
                }
            }
            try await connection.execute("COMMIT")
            return .removed(removal)
        } catch {
            try? await connection.rollBack()
            throw error
        }
    }

    /// Locks rows and gives those below the first that must stay. The entries of `outbox_late` are read once the sinks are
    /// locked and the cursors read: one that is entered later is for a row above them.
    private func free(among ids: [Int64]) async throws(PostgresError) -> Removal {
        guard !ids.isEmpty else { return Removal() }
        let (connection, leaf) = (session.connection, session.schema.published)
        let locked = try await connection.query(
            """
            SELECT id FROM \(leaf) WHERE id = ANY($1::bigint[]) AND published_at < $2::timestamptz ORDER BY id
            FOR UPDATE SKIP LOCKED
            """, [.int8Array(ids), .text(cutoff)]
        ).rows.compactMap { $0.int(0) }
        var kept = try await firstOwed(among: ids)
        if locked.count < ids.count {
            // The others are gone, or published anew since they were looked at, or locked by somebody.
            let own = Set(locked)
            let standing = try await connection.query(
                """
                SELECT id FROM \(leaf) WHERE id = ANY($1::bigint[]) AND published_at < $2::timestamptz ORDER BY id LIMIT 1
                """, [.int8Array(ids.filter { !own.contains($0) }), .text(cutoff)])
            if let id = standing.int(0, 0), kept.map({ id < $0.id }) ?? true { kept = KeptRow(id: id, cause: .locked) }
        }
        return Removal(ids: locked.filter { id in kept.map { id < $0.id } ?? true }, kept: kept)
    }

    /// A row with an entry is somebody's business, delivered or not: it is to be sent out of turn, also from the published
    /// leaf, or to be written off. The relay sees to both and removes the entry.
    private func firstOwed(among ids: [Int64]) async throws(PostgresError) -> KeptRow? {
        let owed = try await session.connection.query(
            """
            SELECT id FROM \(session.schema.table("outbox_late")) WHERE id = ANY($1::bigint[]) ORDER BY id LIMIT 1
            """, [.int8Array(ids)])
        return owed.int(0, 0).map { KeptRow(id: $0, cause: .owed) }
    }

    /// What would go, as far as can be said without a lock.
    private func preview(_ ids: [Int64]) async throws(Refusal) -> Removal {
        guard !ids.isEmpty else { return Removal() }
        let kept: KeptRow?
        do throws(PostgresError) {
            kept = try await firstOwed(among: ids)
        } catch {
            throw Refusal(error)
        }
        return Removal(ids: ids.filter { id in kept.map { id < $0.id } ?? true }, kept: kept)
    }
}
