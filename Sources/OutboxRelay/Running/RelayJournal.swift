import Logging
import RelayConfiguration
import RelayCore
import RelayObservability
import RelayRuntime
import RelaySight

/// Writes what the relay reports to the log, to the service manager, to the counters and to whoever looks on.
struct RelayJournal: Sendable {
    let logger: Logger
    let window: Int
    private let counters = EventCounters()
    private let notifier: SystemdNotifier
    private let sight: Sight?

    init(logger: Logger, window: Int, notifier: SystemdNotifier, sight: Sight?) {
        self.logger = logger
        self.window = window
        self.notifier = notifier
        self.sight = sight
    }

    func stopping(_ signal: Int32) {
        notifier.stopping()
        sight?.become(.stopping)
        logger.log(
            .stopping, level: .notice, "stopping: finishing what is in flight",
            [LogKey.signal: .stringConvertible(signal)])
    }

    func rereading() {
        notifier.reloading()
        logger.log(
            .note, level: .info,
            "SIGHUP received: the configuration is read again, and a file sink whose file was moved away opens a new one"
        )
    }

    func reread() {
        notifier.reloaded()
    }

    /// The configuration that was read again is not used.
    func refused(_ problems: ConfigurationProblems) {
        for problem in problems.all {
            logger.log(
                .configurationRefused, level: .error,
                "the configuration that was read again is not used: \(problem.message)",
                [LogKey.reason: "\(problem.message)"])
        }
    }

    /// What of the configuration that was read again waits for a restart; nothing is said where nothing does.
    func needsRestart(_ options: [OptionKey]) {
        guard !options.isEmpty else { return }
        let names = options.map(\.rawValue)
        logger.log(
            .needsRestart, level: .warning,
            """
            the configuration now has other values for \(names.joined(separator: ", ")), which take effect with a restart; \
            restart the relay, or change them back
            """,
            [LogKey.options: .array(names.map { .string($0) })])
    }

    func changed(_ change: ConfigurationChange) {
        var keys: Logger.Metadata = [:]
        for (key, names) in [
            (LogKey.added, change.added), (LogKey.removed, change.removed), (LogKey.changed, change.changed),
        ] where !names.isEmpty {
            keys[key] = .array(names.map { .string($0) })
        }
        var parts = change.hasOtherSinks ? ["sinks \(change.sinksInWords)"] : []
        if let level = change.logLevel {
            keys[LogKey.logLevel] = "\(level.rawValue)"
            parts.append("log level \(level.rawValue)")
        }
        logger.log(
            .configurationChanged, level: .notice, "the configuration was read again: \(parts.joined(separator: "; "))",
            keys)
    }

    /// Another relay follows with these sinks.
    func serving(_ sinks: [String]) { sight?.serve(sinks) }

    func write(_ report: RelayReport) {
        if let sight { show(report, on: sight) }
        switch report {
        case .waiting(let what): waiting(what)
        case .competing:
            notifier.ready(status: "sharing the load")
            logger.log(.competing, level: .notice, "claiming events without order, beside other relays")
        case .leading(let epoch):
            notifier.ready(status: "leading")
            logger.log(
                .leading, level: .notice, "leading: this relay delivers now (epoch \(epoch))",
                [LogKey.epoch: .stringConvertible(epoch)])
        case .resuming(let sink, let after): resumes(sink, after: after)
        case .unconfiguredSink(let sink, let held): unconfigured(sink, held)
        case .purged(let summary): purged(summary)
        case .deposed(let reason):
            notifier.status("not leading")
            logger.log(.deposed, level: .warning, "no longer leading: \(reason)", [LogKey.reason: "\(reason)"])
        case .streaming: logger.log(.streaming, level: .notice, "streaming: the WAL announces new events at once")
        case .polling(let reason):
            logger.log(
                .polling, level: .warning, "polling instead of streaming: \(reason)", [LogKey.reason: "\(reason)"])
        case .hold(let hold, let holder): held(hold, holder)
        case .suspended(let reason):
            logger.log(.blocked, level: .error, "delivery is blocked: \(reason)", [LogKey.reason: "\(reason)"])
        case .resumed: logger.log(.recovered, level: .notice, "delivery continues")
        case .commitWaits(let milliseconds):
            logger.log(
                .commitWaits, level: .warning,
                """
                marking events as published waits for a synchronous standby; deliveries continue until --window is \
                full; bring the standby back, or change synchronous_standby_names
                """,
                [LogKey.seconds: .stringConvertible(milliseconds / 1000)])
        case .rowFault(let fault): faulty(fault)
        case .rowsGone(let first, let last, let count): gone(first, last, count)
        case .waits(let sentence):
            logger.log(.waiting, level: .warning, "\(sentence)", [LogKey.reason: "\(sentence)"])
        case .wentBack(let reason): logger.log(.wentBack, level: .critical, "\(reason)", [LogKey.reason: "\(reason)"])
        case .failed(let what, let reason):
            logger.log(.failed, level: .warning, "\(what) failed: \(reason)", [LogKey.reason: "\(reason)"])
        case .drained:
            logger.log(.drained, level: .notice, "drained: every event is delivered or parked, and that is recorded")
        // The process ends by a signal, which is written then; else another relay follows.
        case .stopping: break
        case .note(let note): write(note)
        }
    }

    private func show(_ report: RelayReport, on sight: Sight) {
        switch report {
        case .waiting(.database(let reason)): sight.become(.waiting(reason: "it waits for the database: \(reason)"))
        case .waiting(.standby): sight.become(.standby)
        case .competing: sight.become(.competing)
        case .leading: sight.become(.leading)
        case .deposed(let reason):
            sight.become(.waiting(reason: "it lost the lead: \(reason)"))
            sight.noteError("no longer leading: \(reason)")
        case .streaming: sight.notePolling(nil)
        case .polling(let reason): sight.notePolling(reason)
        case .suspended(let reason): sight.noteError("delivery is blocked: \(reason)")
        case .wentBack(let reason): sight.noteError(reason)
        case .failed(let what, let reason): sight.noteError("\(what) failed: \(reason)")
        case .rowFault(let fault):
            if fault.work == .read { sight.noteUnreadable(fault.id) }
            sight.noteError("event \(fault.id): \(fault.reason)", event: fault.id)
        case .note(.outage(let sink, let reason, _)), .note(.blocked(let sink, let reason)):
            sight.noteError(reason, sink: sink)
        case .note(.rejected(let sink, let id, let reason, _)):
            sight.noteError("rejects event \(id): \(reason)", sink: sink, event: id)
        default: break
        }
    }

    private func resumes(_ sink: String, after id: Int64) {
        logger.log(
            .resuming, level: .notice,
            "sink \(sink) resumes after event \(id); at most \(window) events may be delivered again",
            [
                LogKey.sink: "\(sink)", LogKey.deliveredThrough: .stringConvertible(id),
                LogKey.mayRepeat: .stringConvertible(window),
            ])
    }

    private func unconfigured(_ sink: String, _ held: HeldRows?) {
        var keys: Logger.Metadata = [LogKey.sink: "\(sink)"]
        if let held {
            keys[LogKey.rows] = .stringConvertible(held.rows)
            keys[LogKey.bytes] = .stringConvertible(held.bytes)
        }
        logger.log(
            .unconfiguredSink, level: .warning,
            """
            sink \(sink) is registered but not configured, so \(Self.stays(held)); \
            configure it, or run outbox-relay sinks remove \(sink)
            """, keys)
    }

    private static func stays(_ held: HeldRows?) -> String {
        guard let held else { return "events that it has not received stay unpublished" }
        let count = ShownQuantity.count(held.rows)
        let size = ShownQuantity.bytes(held.bytes)
        return switch (held.rows, held.areMore) {
        case (0, false): "every event from now on stays unpublished"
        case (1, false): "1 event (about \(size)) stays unpublished"
        case (_, false): "\(count) events (about \(size)) stay unpublished"
        case (_, true): "at least \(count) events (\(size)) stay unpublished"
        }
    }

    private func purged(_ summary: PurgeSummary) {
        var keys: Logger.Metadata = [LogKey.count: .stringConvertible(summary.count)]
        if let sink = summary.waitsFor { keys[LogKey.sink] = "\(sink)" }
        guard let last = summary.lastID else {
            let sink = summary.waitsFor ?? ""
            logger.log(
                .retention, level: .warning,
                "nothing is purged: events are older than keep_published says, and wait for sink \(sink)", keys)
            return
        }
        keys[LogKey.lastID] = .stringConvertible(last)
        let events = summary.count == 1 ? "1 event" : "\(ShownQuantity.count(summary.count)) events"
        let rest = summary.waitsFor.map { "; later ones are old enough, and wait for sink \($0)" } ?? ""
        logger.log(
            .retention, level: .info,
            "purged \(events) up to id \(last), published longer ago than keep_published says\(rest)", keys)
    }

    private func waiting(_ what: WaitingReport) {
        switch what {
        case .database(let reason):
            notifier.ready(status: "waiting for the database: \(reason)")
            logger.log(.waiting, level: .warning, "waiting for the database: \(reason)", [LogKey.reason: "\(reason)"])
        case .standby(let pid):
            notifier.ready(status: "standing by")
            logger.log(
                .standby, level: .notice,
                "standing by: another relay leads\(pid.map { " (its session is pid \($0))" } ?? "")",
                pid.map { [LogKey.pid: .stringConvertible($0)] } ?? [:])
        case .predecessor(let pid, let role):
            logger.log(
                .waiting, level: .warning, "waiting for the former leader's \(role) session to end: pid \(pid)",
                [LogKey.pid: .stringConvertible(pid), LogKey.role: "\(role)"])
        case .historyCheck:
            logger.log(
                .waiting, level: .notice,
                "the server was restarted or promoted: waiting until every relay has checked that nothing was lost")
        }
    }

    private func gone(_ first: Int64, _ last: Int64, _ count: Int) {
        logger.log(
            .rowGone, level: .warning,
            """
            \(count == 1 ? "event \(first) was" : "\(count) events from \(first) to \(last) were") delivered, but deleted before \
            being marked as published; if a clean-up job did it, let it delete only rows whose published_at is set
            """,
            [
                LogKey.firstID: .stringConvertible(first), LogKey.lastID: .stringConvertible(last),
                LogKey.count: .stringConvertible(count),
            ])
    }

    private func faulty(_ fault: RowFault) {
        let sentence =
            switch fault.work {
            case .read:
                "event \(fault.id) cannot be read and is not delivered, and later events wait; fix or delete its row"
            case .mark:
                "event \(fault.id) was delivered but cannot be marked as published; "
                    + "fix its row, or the trigger, rule or constraint that refuses it"
            case .park: "event \(fault.id) cannot be parked; fix or delete its row"
            }
        logger.log(
            .rowFault, level: .error, "\(sentence): \(fault.reason)",
            [
                LogKey.id: .stringConvertible(fault.id), LogKey.what: "\(fault.work.rawValue)",
                LogKey.reason: "\(fault.reason)",
            ])
    }

    private func held(_ hold: OrderHold, _ holder: HolderDescription?) {
        var keys: Logger.Metadata = [
            LogKey.aboveID: .stringConvertible(hold.aboveID),
            LogKey.seconds: .stringConvertible(Int(holder?.seconds ?? 0)),
            LogKey.applicationName: "\(holder?.applicationName ?? "")",
        ]
        if let gid = holder?.gid {
            keys[LogKey.gid] = "\(gid)"
        } else if let pid = holder?.pid {
            keys[LogKey.pid] = .stringConvertible(pid)
        }
        let who = holder.map {
            $0.gid.map { "the prepared transaction \($0)" } ?? "pid \($0.pid ?? 0) (\($0.applicationName))"
        }
        let transaction =
            holder?.gid == nil
            ? "the open transaction of \(who ?? "a session that could not be identified")" : who ?? ""
        let message =
            switch hold.cause {
            case .transaction, .unknown:
                "events above \(hold.aboveID) wait for \(transaction) to end; commit it or roll it back"
            case .lockedRow(let id):
                "event \(id) is locked by \(who ?? "an unknown session"), and later events wait; end that transaction"
            case .aboveSequence(let id):
                "event \(id) is not delivered: \(hold.cause.remedy ?? "")"
            case .unreadableRow(let fault):
                "event \(fault.id) cannot be read, and later events wait; fix or delete its row"
            }
        if case .unreadableRow(let fault) = hold.cause { keys[LogKey.id] = .stringConvertible(fault.id) }
        logger.log(.orderHold, level: .warning, "\(message)", keys)
    }

    private func write(_ note: RelayNote) {
        switch note {
        case .late(let entry):
            counters.countLateEvent()
            logger.log(
                .lateEvent, level: .warning,
                "event \(entry.id) appeared late, after higher ids were delivered; sink \(entry.sink) gets it now",
                [LogKey.id: .stringConvertible(entry.id), LogKey.sink: "\(entry.sink)"])
        case .outage(let sink, let reason, let attempt):
            logger.log(
                .outage, level: attempt == 1 ? .warning : .debug,
                "delivery to sink \(sink) fails and is tried again: \(reason)",
                [LogKey.sink: "\(sink)", LogKey.reason: "\(reason)"])
        case .rejected(let sink, let id, let reason, let isParked):
            let then =
                isParked
                ? "it is parked"
                : "it is tried again; where order is kept, later events wait until it is accepted or parked"
            logger.log(
                .rejected, level: .error, "sink \(sink) rejects event \(id), and \(then): \(reason)",
                [LogKey.sink: "\(sink)", LogKey.id: .stringConvertible(id), LogKey.reason: "\(reason)"])
        case .blocked(let sink, let reason):
            logger.log(
                .blocked, level: .error, "sink \(sink) is blocked until this is fixed: \(reason)",
                [LogKey.sink: "\(sink)", LogKey.reason: "\(reason)"])
        case .recovered(let sink):
            logger.log(.recovered, level: .notice, "delivery to sink \(sink) works again", [LogKey.sink: "\(sink)"])
        case .leftTail(let sink):
            logger.log(.note, level: .debug, "sink \(sink) reads from the table", [LogKey.sink: "\(sink)"])
        case .caughtUp(let sink):
            logger.log(.note, level: .debug, "sink \(sink) has caught up", [LogKey.sink: "\(sink)"])
        case .orderReleased:
            logger.log(.orderReleased, level: .notice, "the order hold has ended; events that waited are delivered now")
        case .streaming, .orderHold, .rowFault, .rowsGone: break
        }
    }
}
