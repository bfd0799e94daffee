extension RelayMachine {
    /// For how many lanes the table may be read at once; WAL mode's tail reads beside them.
    private static let concurrentReads = 2

    /// Reads the table for lanes that lack what the tail has passed, or are owed rows.
    mutating func startReads(at now: Int64, _ effects: inout [RelayEffect]) {
        guard isLeading, suspension == nil, !isStopping else { return }
        var reading = lanes.indices.count { lanes[$0].readsUnderWay > 0 }
        for index in lanes.indices {
            guard reading < Self.concurrentReads else { return }
            let wasReading = lanes[index].readsUnderWay > 0
            defer { if !wasReading, lanes[index].readsUnderWay > 0 { reading += 1 } }
            let name = lanes[index].name
            switch lanes[index].nextReadOutOfTurn(window: policy.window, rows: policy.batchSize, at: now) {
            case .owed(let ids): effects.append(.readOwed(sink: name, ids: ids))
            case .parked(let ids): effects.append(.readParked(sink: name, ids: ids))
            case .some(.none): break
            case nil: startRead(index, at: now, &effects)
            }
        }
    }

    mutating func parkedRowsRead(_ sink: String, _ batch: RowBatch, _ effects: inout [RelayEffect]) {
        batchMemory.add(batch, isOfTail: false)
        readEnded(of: sink)
        guard let index = lane(sink) else { return }
        guard let delivery = lanes[index].takeParked(batch, isStopping: isStopping) else { return }
        effects.append(RelayEffect(delivery, to: sink))
    }

    /// What is only passed needs no sink.
    func mayRead(_ lane: Lane, at now: Int64) -> Bool { lane.isPassing || lane.mayTry(at: now) }

    private mutating func startRead(_ index: Int, at now: Int64, _ effects: inout [RelayEffect]) {
        guard !lanes[index].isOnTail else { return }
        let lane = lanes[index]
        guard lane.awaitedRows == nil, now >= lane.nextRead else { return }
        guard mayRead(lane, at: now), lane.keyed?.isWindingDown != true else { return }
        guard lane.queue.isEmpty, lane.unsettled < policy.window else { return }
        guard hasRoom(toReadFor: lane) else { return }
        // Before the first scan nothing is known to be closed.
        guard tail.horizon.hasScanned || tail.horizon.closedThrough > 0 else {
            tenure?.scan.want()
            return
        }
        if lane.isAboutToMeet { lanes[index].place = .meeting }
        lanes[index].isAboutToMeet = false
        let passes = lane.isPassing
        let through = passes ? lane.passesThrough ?? .max : .max
        lanes[index].awaitedRows = Lane.AwaitedRead(
            after: lane.position, through: through, closedWhenSent: tail.horizon.closedThrough)
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
        batchMemory.add(batch, isOfTail: false)
        readEnded(of: sink)
        guard let index = lane(sink), let read = lanes[index].awaitedRows else {
            return
        }
        lanes[index].awaitedRows = nil
        if let fault, lanes[index].fault?.id != fault.id { effects.append(.note(.rowFault(fault))) }
        lanes[index].fault = fault
        defer { if lanes[index].place == .meeting { lanes[index].place = .reading } }
        // After an outage the lane stands lower again, and what was read does not join on.
        guard !read.isStale, !lanes[index].isOnTail, lanes[index].position == read.after else { return }
        let closed = rules.absenceNeedsEarlierHorizon ? read.closedWhenSent : tail.horizon.closedThrough
        let found = Tail.mayHandOn(batch.ids, after: read.after, closedThrough: closed)
        tail.sawContiguous(through: found.through)
        if found.count > 0 {
            stamp += 1
            if batch.token == nil {
                pass(Array(batch.ids.prefix(found.count)), index)
            } else {
                lanes[index].enqueue(RowSlice(batch, 0..<found.count))
            }
        }
        if found.count < batch.ids.count || found.count == 0 {
            tenure?.scan.want()
            lanes[index].nextRead = now + policy.pollInterval
        }
        if fault != nil, found.count == batch.ids.count {
            // Narrowing it down takes a while: not as often as other reads.
            lanes[index].nextRead = now + max(policy.pollInterval, policy.faultInterval)
            return
        }
        if reachedEnd, found.count == batch.ids.count, lanes[index].isPassing {
            lanes[index].passedThrough = max(lanes[index].passedThrough, min(found.through, read.through))
        }
        // One that passes over ids ends where they end.
        let sawEverything = reachedEnd && found.count == batch.ids.count && read.through == .max
        if sawEverything || (mayMeetBelowRows && (reachedEnd || found.count < batch.ids.count)) {
            meetTail(index, completeThrough: min(found.through, read.through), at: now, &effects)
        }
    }

    /// Whether a lane may live from the tail though it has seen rows above a gap. A claim does not bring them where they are
    /// published; WAL mode reads the tail from both leaves.
    private var mayMeetBelowRows: Bool { policy.usesStream || tenure?.publishedAbove == false }

    private mutating func pass(_ ids: [Int64], _ index: Int) {
        for id in ids where id > lanes[index].position {
            lanes[index].done.append(.init(id: id, mark: RowMark(), fate: .passed))
            lanes[index].position = id
        }
    }

    /// A lane that has everything up to the tail's place lives from the tail from now on.
    ///
    /// - Parameter completeThrough: the lane has every row at or below.
    private mutating func meetTail(_ index: Int, completeThrough: Int64, at now: Int64, _ effects: inout [RelayEffect])
    {
        let lane = lanes[index]
        guard !lane.registration.isRemoving, !lane.isPassing else { return }
        guard max(completeThrough, lane.position) >= tail.position else {
            // Rows were handed on while the read was under way. Once more, while the tail waits: for one read, no longer.
            let triedAlready = lane.place == .meeting
            lanes[index].place = .reading
            lanes[index].isAboutToMeet = !triedAlready
            lanes[index].nextRead = triedAlready ? now + policy.pollInterval : now
            tenure?.scan.want()
            return
        }
        if !lanes.any({ $0.isOnTail }) { goOn(from: max(tail.position, lane.position), &effects) }
        lanes[index].place = .tail
        effects.append(.note(.caughtUp(sink: lane.name)))
    }

    mutating func owedRowsRead(
        _ sink: String, _ batch: RowBatch, _ reachedEnd: Bool, _ faults: [RowFault], at now: Int64,
        _ effects: inout [RelayEffect]
    ) {
        batchMemory.add(batch, isOfTail: false)
        readEnded(of: sink)
        guard let index = lane(sink), lanes[index].awaitedOwed != nil else { return }
        stamp += 1
        let next = now + max(policy.pollInterval, policy.faultInterval)
        let owed = lanes[index].takeOwed(batch, reachedEnd, unreadable: faults, next: next)
        for fault in owed.news { effects.append(.note(.rowFault(fault))) }
        guard !owed.slices.isEmpty, !isStopping else { return }
        sendOutOfTurn(owed.slices, .owed, index, &effects)
    }

    mutating func readFailed(_ read: LaneRead, of sink: String, at now: Int64) {
        readEnded(of: sink)
        guard let index = lane(sink) else { return }
        lanes[index].readFailed(read, next: now + policy.pollInterval)
    }
}
