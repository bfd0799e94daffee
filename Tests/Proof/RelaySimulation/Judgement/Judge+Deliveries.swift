import RelayCore

extension Judge {
    // MARK: - What a relay sends

    /// Judged when it is sent: what a relay learns while a request is on its way cannot keep it from arriving.
    func sends(_ events: [DeliveredRow], to sink: String, _ life: RelayLife) {
        guard let index = sides.firstIndex(where: { $0.plan.name == sink }) else { return }
        for event in events where sides[index].received[event.id] == event { judgeRepeat(event, index, life) }
        life.sent[sink, default: []].formUnion(events)
        highestSent = max(highestSent, events.last?.id ?? 0)
    }

    private func judgeRepeat(_ event: DeliveredRow, _ index: Int, _ life: RelayLife) {
        let sink = sides[index].plan.name
        // Of what a failover took back nobody remembers that it was settled.
        guard !hasLostVisible, !sides[index].isPlaced else { return }
        // A parked event whose mark somebody undid is wanted twice: from its copy, and from the table.
        let isUndone = undone.contains(event)
        guard !(isUndone && isParked(event, index)) else { return }
        // Without order a row that somebody wrote to is delivered again: another relay may have marked it, and somebody
        // have undone that.
        if !hasOrder, versions[event]?.count ?? 0 > 1 { return }
        if life.acknowledged[sink]?.contains(event) == true {
            return find("DUPLICATE: \(event.id) goes to \(sink) again, though the relay knows that it is there")
        }
        // What somebody wants tried again is delivered as often as that takes.
        guard !isParked(event, index), !isUndone else { return }
        let isOutOfTurn = life.outOfTurn.contains(event.id) || seen[event]?.isLate == true
        if event.id <= life.cursors[sink] ?? 0, !isOutOfTurn {
            return find("DUPLICATE: \(event.id) goes to \(sink) again, though it was settled before")
        }
        // Without order whoever comes next takes what a lost session leaves, as often as one is lost.
        guard hasOrder, let first = sides[index].from[event.id], first !== life else { return }
        // Of each that is gone, what it had under way. Where the answers were lost, that may have been a window of what
        // came in turn and then, with nothing with the sink, one of what is owed.
        let origin = RelayLife.Origin(sink: sink, sender: ObjectIdentifier(first), isOutOfTurn: isOutOfTurn)
        life.repeated[origin, default: []].insert(event)
        let count = life.repeated[origin]?.count ?? 0
        if count > window {
            find("DUPLICATES: \(count) events go to \(sink) again after a crash, and the window is \(window)")
        }
    }

    /// The event was parked, or may have been.
    private func isParked(_ event: DeliveredRow, _ index: Int) -> Bool {
        let side = sides[index]
        return switch side.plan.lane.onReject {
        case .block: false
        case .park: side.rejected.contains(event.id)
        case .parkKey: side.rejectedKeys.contains(seen[event]?.key ?? -1)
        }
    }

    func acknowledged(_ events: [DeliveredRow], by sink: String, _ life: RelayLife) {
        life.acknowledged[sink, default: []].formUnion(events)
    }

    // MARK: - What comes to a sink

    func received(_ sent: SentEvent, by sink: String, from life: RelayLife) {
        guard let index = sides.firstIndex(where: { $0.plan.name == sink }) else { return }
        let event = sent.row
        scheduler.trace.add(scheduler.now, "sink \(sink): has \(event.id) from relay \(life.process)")
        guard let row = seen[event] else {
            return find("PHANTOM: \(sink) has event \(event.id), which nobody can see")
        }
        guard versions[event]?.contains(sent.version) == true else {
            return find("DRAFT: \(sink) has event \(event.id) as version \(sent.version), which nobody could see")
        }
        if reissued.contains(event.id), mustStop, !hasStopped {
            return find(
                "UNSEEN: \(sink) has event \(event.id), issued anew, and a relay knows that the database went back")
        }
        if let earlier = sides[index].received[event.id], !reissued.contains(event.id) {
            guard earlier == event else {
                return find("ISSUED TWICE: \(sink) has two events \(event.id)")
            }
            sides[index].repeats += 1
            return
        }
        // An event that was lost with its history, under way since, may arrive after the one that has its id now: the sink
        // has both.
        let hasAnother = sides[index].received[event.id].map { $0 != event } ?? false
        if hasAnother, lost.contains(event) { return }
        judgeOrder(row, index)
        sides[index].received[event.id] = event
        sides[index].from[event.id] = life
        sides[index].highest = max(sides[index].highest, event.id)
        sides[index].highestOfKey[row.key] = max(sides[index].highestOfKey[row.key] ?? 0, event.id)
    }

    private func judgeOrder(_ row: Row, _ index: Int) {
        let side = sides[index]
        guard hasOrder, !side.isPlaced, !row.isLate, !deleted.contains(row.identity), row.id > leftBeforeLoss else {
            return
        }
        let lane = side.plan.lane
        let isOutOfTurn = isParked(row.identity, index)
        if lane.order == .id, row.id < side.highest, !isOutOfTurn {
            return find("ORDER: \(row.id) comes to \(side.plan.name) after \(side.highest)")
        }
        if isOutOfTurn, lane.onReject == .park { return }
        let earlier = side.highestOfKey[row.key] ?? 0
        if row.id < earlier { find("ORDER OF A KEY: \(row.id) comes to \(side.plan.name) after \(earlier)") }
    }

    /// The sink will not have it.
    func rejected(_ event: DeliveredRow, by sink: String) {
        guard let row = seen[event] else { return }
        scheduler.trace.add(scheduler.now, "sink \(sink): rejects \(row.id) of key \(row.key)")
        for index in sides.indices where sides[index].plan.name == sink {
            sides[index].rejected.insert(row.id)
            sides[index].rejectedKeys.insert(row.key)
        }
    }
}
