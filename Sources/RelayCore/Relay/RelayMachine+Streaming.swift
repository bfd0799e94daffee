extension RelayMachine {
    mutating func startStream(at now: Int64, _ effects: inout [RelayEffect]) {
        guard policy.usesStream, !isStopping, work != .absent, stream.phase == .absent, now >= stream.nextOpen else {
            return
        }
        // What is polled from here on, and what was before, the table decides; nothing of it rests on the slot.
        stream.phase = .opening
        effects.append(.openStream)
    }

    mutating func streamEnded(at now: Int64) {
        let pause = stream.openPause
        stream.reset(nextOpen: 0)
        stream.openPause = min(max(policy.pollInterval, pause * 2), max(policy.pollInterval, 5000))
        stream.nextOpen = now + stream.openPause
        nextClaim = now
    }

    mutating func streamed(_ batch: RowBatch, at now: Int64, _ effects: inout [RelayEffect]) {
        guard stream.phase == .standing || stream.phase == .leading else {
            if let token = batch.token { effects.append(.release(token)) }
            return
        }
        if batch.ids.contains(where: { $0 <= tail }) {
            // Late, or a row that polling has brought: the table knows which.
            sweepWanted = true
            if stream.phase != .leading { nextSweep = min(nextSweep, now + policy.pollInterval) }
            if stream.phase != .leading { sweepWanted = false }
        }
        guard streamHasRoom(for: batch.bytes) else {
            if let token = batch.token { effects.append(.release(token)) }
            if stream.phase == .leading { drainAgain(&effects) } else { stream.askAgain() }
            scanWanted = true
            return
        }
        held.hold(batch, isOfTail: true)
        stream.pending.insert(batch, above: tail)
    }

    /// The stream lacks rows: drain the table once more before it leads.
    mutating func drainAgain(_ effects: inout [RelayEffect]) {
        guard stream.phase == .leading else { return }
        stream.phase = .standing
        stream.askAgain()
        scanWanted = true
        nextClaim = 0
        effects.append(.note(.draining))
    }

    /// A claim that was sent with `known` settled brought everything there was.
    mutating func noteDrained(through known: Int64, at now: Int64, _ effects: inout [RelayEffect]) {
        guard stream.phase == .standing, let drainTo = stream.drainTo, known >= drainTo, suspension == nil else {
            return
        }
        stream.phase = .leading
        stream.lookedThrough = 0
        effects.append(.note(.streaming))
    }

    /// Hands on what the stream has brought, as far as it is in order, visible, and wanted.
    mutating func releaseStreamed(at now: Int64, _ effects: inout [RelayEffect]) {
        stream.pending.drop(through: tail)
        guard stream.phase == .leading, suspension == nil, !isStopping, !tailIsPaused else { return }
        var through = settledForTail(stream.lookedThrough)
        var count = 0
        for row in stream.pending.rows {
            guard row.id - 1 <= through else { break }
            if stream.waitsForVisibility, !stream.visible.contains(row.transaction) { break }
            through = max(through, row.id)
            count += 1
        }
        if count > 0 {
            hand(stream.pending.slices(count))
            stream.pending.removeFirst(count)
            if let open = gap, tail >= open.waiting { closeGap(&effects) }
        }
        askForVisibility(at: now, &effects)
        guard let next = stream.pending.first, next.id - 1 > through else {
            if stream.pending.isEmpty { closeGap(&effects) }
            return
        }
        openGap(waiting: next.id, .unknown, at: now)
    }

    private mutating func askForVisibility(at now: Int64, _ effects: inout [RelayEffect]) {
        guard stream.waitsForVisibility else { return stream.visible.removeAll() }
        guard !stream.pending.isEmpty else { return }
        var waiting = Set<UInt32>()
        for row in stream.pending.rows.prefix(policy.batchSize) where !stream.visible.contains(row.transaction) {
            waiting.insert(row.transaction)
        }
        if stream.visible.count > 4096 { stream.visible.formIntersection(stream.pending.rows.lazy.map(\.transaction)) }
        guard !waiting.isEmpty, !stream.isAsking, now >= stream.nextQuestion else { return }
        stream.isAsking = true
        effects.append(.askVisible(waiting.sorted()))
    }

    /// The horizon has passed gaps between streamed rows: look for their ids in the table, all at once.
    mutating func startStreamLook(_ effects: inout [RelayEffect]) -> Bool {
        guard stream.phase == .leading, !tailIsPaused, let first = stream.pending.first else { return false }
        let known = horizon.settledThrough
        guard first.id - 1 > settledForTail(stream.lookedThrough), first.id - 1 <= known else { return false }
        let present = stream.pending.rows.lazy.map(\.id).filter { $0 - 1 <= known }
        let last = present.last ?? first.id
        let ranges = IDRanges.absent(above: tail, through: last, present: Array(present))
        work = .looking(ranges, claim: nil, known: min(known, last))
        effects.append(.look(ranges))
        return true
    }

    mutating func streamLooked(
        _ found: LookedRows, _ ranges: IDRanges, known: Int64, at now: Int64, _ effects: inout [RelayEffect]
    ) {
        work = .idle
        guard stream.phase == .leading else { return }
        if let stop = (found.unpublished + found.published).min() {
            stream.lookedThrough = max(stream.lookedThrough, stop - 1)
            // What is there is delivered in its place, from the table.
            if found.published.contains(stop) { everyLaneLeavesTail(&effects) }
            drainAgain(&effects)
        } else {
            stream.lookedThrough = max(stream.lookedThrough, known)
        }
    }
}
