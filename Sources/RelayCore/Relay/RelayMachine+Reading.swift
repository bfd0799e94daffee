extension RelayMachine {
    /// How many table reads may be under way at once: there are two reading sessions at most.
    private static let readsAtOnce = 2

    /// Reads the table for lanes that lack what the tail has passed, or are owed rows.
    mutating func startReads(at now: Int64, _ effects: inout [RelayEffect]) {
        guard work != .absent, suspension == nil, !isStopping else { return }
        for index in lanes.indices {
            let running = lanes.count { $0.awaitedRows != nil || $0.awaitedLate != nil || $0.awaitedParked != nil }
            guard running < Self.readsAtOnce else { return }
            if startLateRead(index, at: now, &effects) { continue }
            if startParkedRead(index, at: now, &effects) { continue }
            startRead(index, at: now, &effects)
        }
    }

    private mutating func startLateRead(_ index: Int, at now: Int64, _ effects: inout [RelayEffect]) -> Bool {
        let lane = lanes[index]
        guard lane.inFlight == nil, lane.awaitedLate == nil else { return false }
        guard lane.late.values.contains(false) else {
            // What failed may have been deleted, or is asked for no longer.
            if lane.retries.isEmpty { lanes[index].outOfTurn = nil }
            return false
        }
        if let end = lane.passesThrough {
            let passed = lane.late.filter { !$0.value && $0.key <= end }.keys
            for id in passed { lanes[index].late[id] = true }
            if !passed.isEmpty { return true }
        }
        let room = roomOutOfTurn(lane)
        guard lane.isConfigured, mayGoOutOfTurn(lane, at: now), room > 0, now >= lane.nextLateRead else {
            return false
        }
        // What the lane is to have in turn first: rows in its queue are above the cursor, owed ones are not.
        let waiting = lane.late.filter { !$0.value }.keys.sorted()
        let asked = Array(waiting.prefix(min(room, policy.batchSize)))
        lanes[index].awaitedLate = asked
        effects.append(.readLate(sink: lane.name, ids: asked))
        return true
    }

    private func mayGoOutOfTurn(_ lane: Lane, at now: Int64) -> Bool {
        lane.inFlight == nil && lane.awaitedLate == nil && lane.awaitedParked == nil && mayTry(lane, at: now)
            && now >= lane.outOfTurn?.until ?? now
    }

    /// Parked events that somebody wants tried again: those that were not tried yet.
    private mutating func startParkedRead(_ index: Int, at now: Int64, _ effects: inout [RelayEffect]) -> Bool {
        let lane = lanes[index]
        guard lane.isConfigured, !lane.registration.isRemoving, !lane.retries.isEmpty, lane.retried.isEmpty,
            mayGoOutOfTurn(lane, at: now), roomOutOfTurn(lane) > 0
        else { return false }
        let asked = Array(lane.retries.prefix(min(roomOutOfTurn(lane), policy.batchSize)))
        lanes[index].awaitedParked = asked
        effects.append(.readParked(sink: lane.name, ids: asked))
        return true
    }

    mutating func parkedRowsRead(_ sink: String, _ batch: RowBatch, _ effects: inout [RelayEffect]) {
        held.hold(batch, isOfTail: false)
        readEnded(of: sink)
        guard let index = lanes.firstIndex(where: { $0.name == sink }), let asked = lanes[index].awaitedParked else {
            return
        }
        lanes[index].awaitedParked = nil
        // Of an older registration where nothing is asked for any more.
        let isCurrent = !asked.isEmpty && asked.first == lanes[index].retries.first
        lanes[index].retries = []
        guard isCurrent, !batch.ids.isEmpty, lanes[index].inFlight == nil, !isStopping else { return }
        let slices = [RowSlice(batch, 0..<batch.ids.count)]
        lanes[index].begin(Lane.InFlight(slices: slices, turn: .parked))
        effects.append(.deliver(sink: sink, flight: 0, slices))
    }

    /// What is only passed needs no sink.
    func mayRead(_ lane: Lane, at now: Int64) -> Bool { lane.isPassing || mayTry(lane, at: now) }

    private mutating func startRead(_ index: Int, at now: Int64, _ effects: inout [RelayEffect]) {
        let lane = lanes[index]
        guard !lane.isOnTail, lane.awaitedRows == nil, now >= lane.nextRead else { return }
        guard mayRead(lane, at: now), lane.keyed?.isWindingDown != true else { return }
        guard lane.queue.isEmpty, lane.unsettled < policy.window else { return }
        guard hasRoom(toReadFor: lane) else { return }
        // Before the first scan nothing is known to be settled.
        guard horizon.hasScanned || horizon.settledThrough > 0 else { return scanWanted = true }
        if lane.isAboutToMeet { lanes[index].place = .meeting }
        lanes[index].isAboutToMeet = false
        let passes = lane.isPassing
        let through = passes ? lane.passesThrough ?? .max : .max
        lanes[index].awaitedRows = Lane.AwaitedRead(
            after: lane.position, through: through, known: horizon.settledThrough)
        effects.append(
            .read(
                ReadRequest(
                    sink: lane.name, after: lane.position, through: through,
                    rows: policy.batchSize, bytes: laneShare, idsOnly: passes)))
    }

    mutating func rowsRead(
        _ sink: String, _ batch: RowBatch, _ reachedEnd: Bool, _ fault: RowFault?, at now: Int64,
        _ effects: inout [RelayEffect]
    ) {
        held.hold(batch, isOfTail: false)
        readEnded(of: sink)
        guard let index = lanes.firstIndex(where: { $0.name == sink }), let read = lanes[index].awaitedRows else {
            return
        }
        lanes[index].awaitedRows = nil
        if let fault, lanes[index].fault?.id != fault.id { effects.append(.note(.rowFault(fault))) }
        lanes[index].fault = fault
        defer { if lanes[index].place == .meeting { lanes[index].place = .reading } }
        // After an outage the lane stands lower again, and what was read does not join on.
        guard !read.isStale, !lanes[index].isOnTail, lanes[index].position == read.after else { return }
        let known = rules.absenceNeedsEarlierHorizon ? read.known : horizon.settledThrough
        let found = deliverable(batch.ids, after: read.after, settled: known)
        horizon.sawContiguous(through: found.through)
        orderedThrough = max(orderedThrough, horizon.settledThrough)
        if found.count > 0 {
            stamp += 1
            if batch.token == nil {
                pass(Array(batch.ids.prefix(found.count)), index)
            } else {
                lanes[index].enqueue(RowSlice(batch, 0..<found.count))
            }
        }
        if found.count < batch.ids.count || found.count == 0 {
            scanWanted = true
            lanes[index].nextRead = now + policy.pollInterval
        }
        if fault != nil, found.count == batch.ids.count {
            // Narrowing it down takes a while: not as often as other looks.
            lanes[index].nextRead = now + max(policy.pollInterval, policy.faultInterval)
            return
        }
        if reachedEnd, found.count == batch.ids.count, lanes[index].isPassing {
            lanes[index].passedThrough = max(lanes[index].passedThrough, min(found.through, read.through))
        }
        if reachedEnd || found.count < batch.ids.count {
            meetTail(index, known: min(found.through, read.through), at: now, &effects)
        }
    }

    private mutating func pass(_ ids: [Int64], _ index: Int) {
        for id in ids where id > lanes[index].position {
            lanes[index].done.append(.init(id: id, mark: RowMark(), fate: .passed))
            lanes[index].position = id
        }
    }

    /// A lane that has everything up to the tail's place lives from the tail from now on.
    ///
    /// - Parameter known: the lane has every row at or below.
    private mutating func meetTail(_ index: Int, known: Int64, at now: Int64, _ effects: inout [RelayEffect]) {
        let lane = lanes[index]
        guard !lane.registration.isRemoving, !lane.isPassing else { return }
        guard max(known, lane.position) >= tail else {
            // Rows were handed on while the read was under way. Once more, while the tail waits: for one read, no longer.
            let triedAlready = lane.place == .meeting
            lanes[index].place = .reading
            lanes[index].isAboutToMeet = !triedAlready
            lanes[index].nextRead = triedAlready ? now + policy.pollInterval : now
            scanWanted = true
            return
        }
        if !lanes.contains(where: \.isOnTail) { tail = max(tail, lane.position) }
        lanes[index].place = .tail
        effects.append(.note(.caughtUp(sink: lane.name)))
    }

    mutating func lateRowsRead(
        _ sink: String, _ batch: RowBatch, _ reachedEnd: Bool, _ faults: [RowFault], at now: Int64,
        _ effects: inout [RelayEffect]
    ) {
        held.hold(batch, isOfTail: false)
        readEnded(of: sink)
        guard let index = lanes.firstIndex(where: { $0.name == sink }), let asked = lanes[index].awaitedLate else {
            return
        }
        lanes[index].awaitedLate = nil
        if !faults.isEmpty { lanes[index].nextLateRead = now + max(policy.pollInterval, policy.faultInterval) }
        for fault in faults where lanes[index].lateFaults.insert(fault.id).inserted {
            effects.append(.note(.rowFault(fault)))
        }
        lanes[index].lateFaults.formIntersection(faults.map(\.id))
        stamp += 1
        // What is not there any more was deleted, and is not owed. What found no room comes with the next read.
        let through = reachedEnd ? asked.last : batch.ids.last
        let came = Set(batch.ids).union(faults.map(\.id))
        for id in asked where lanes[index].late[id] == false && !came.contains(id) {
            if let through, id <= through { lanes[index].late[id] = true }
        }
        let rows = batch.ids.indices.filter {
            asked.contains(batch.ids[$0]) && lanes[index].late[batch.ids[$0]] == false
        }
        guard !rows.isEmpty, lanes[index].inFlight == nil, !isStopping else { return }
        send(rows.map { RowSlice(batch, $0..<($0 + 1)) }, .late, index, &effects)
    }

    mutating func readFailed(_ sink: String, at now: Int64) {
        readEnded(of: sink)
        guard let index = lanes.firstIndex(where: { $0.name == sink }) else { return }
        lanes[index].awaitedRows = nil
        if lanes[index].place == .meeting { lanes[index].place = .reading }
        lanes[index].awaitedLate = nil
        lanes[index].awaitedParked = nil
        lanes[index].nextRead = now + policy.pollInterval
    }
}
