import Libpq
import RelayCore

/// What a leader does beside leading, on sessions that are opened when it is due and closed after: none of the sessions
/// that it leads with waits for it.
///
/// They are not recorded as the leader's, as an administrator's are not. Nothing of what they do depends on who leads, so
/// a successor need not end them, and an idle relay that looks for rows to purge writes nothing.
extension PostgresLeaderSessions {
    package func rowsHeld(by sink: String) async throws -> HeldRows {
        let session = try await openAside()
        do {
            try await session.connection.execute("SET lock_timeout = '500ms'; SET statement_timeout = '2s'")
            let held = try await HeldRowsQuery(session).run(of: sink)
            await closeAside(session)
            return held
        } catch {
            await closeAside(session)
            throw error
        }
    }

    package func purgePage(olderThan age: Int64) async throws -> PurgedPage {
        do {
            var underWay = try await purgeUnderWay(age)
            let before = underWay.purge.findings.count
            let mayBeMore = try await underWay.purge.nextPage()
            let findings = underWay.purge.findings
            var page = PurgedPage(count: findings.count - before, mayBeMore: mayBeMore)
            if page.count > 0 { page.lastID = findings.lastID }
            if mayBeMore {
                purging = underWay
                return page
            }
            await endPurge()
            switch findings.end {
            // Where something was purged, that is told; the row is still there a minute later.
            case .row(let row)? where row.cause != .owed && page.count == 0: throw AsideFailure(row.sentence)
            case .sink(let name, through: _)?: page.waitsFor = name
            default: break
            }
            return page
        } catch let refusal as Refusal {
            await endPurge()
            throw AsideFailure(refusal.message)
        } catch {
            await endPurge()
            throw error
        }
    }

    /// The purge that the last page was of, or a new one.
    private func purgeUnderWay(_ age: Int64) async throws -> (session: Session, purge: Purge) {
        if let purging { return purging }
        let session = try await openAside()
        do {
            // A few pages: what was published out of turn is looked for again a minute later.
            let purge = try await Purge(session, olderThan: .milliseconds(age), patience: 10)
            purging = (session, purge)
            return (session, purge)
        } catch {
            await closeAside(session)
            throw error
        }
    }

    private func endPurge() async {
        guard let ended = purging else { return }
        purging = nil
        await closeAside(ended.session)
    }

    private func openAside() async throws -> Session {
        let aside = try await openSession(
            settings.target, on: settings.thread, role: .admin,
            timeouts: .standard(for: .admin, leaderTimeout: settings.leaderTimeout), timeout: .seconds(5),
            schema: leader.session.schema)
        asides[aside.backendPID] = aside
        do {
            // The lead may have ended while it was opened.
            guard !isClosed else { throw CancellationError() }
            guard try await aside.seesLeader(leader.session.backendPID) else {
                throw AsideFailure("a further connection reached another server, or the lead is lost")
            }
            return aside
        } catch {
            await closeAside(aside)
            throw error
        }
    }

    private func closeAside(_ aside: Session) async {
        asides[aside.backendPID] = nil
        await aside.close()
    }
}

/// Something that a leader does beside leading cannot be done; in one sentence.
private struct AsideFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
