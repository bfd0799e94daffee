import RelayCore

extension Relay {
    /// Tells the operator; what holds the order back is looked up first.
    func tell(_ note: RelayNote) {
        switch note {
        case .orderHold(let orderHold): describe(orderHold)
        case .orderReleased:
            leading?.orderHold = nil
            report(.note(note))
        case .streaming:
            leading?.pollingReason = nil
            // After an overflow it was read without being called for a while: nothing to tell.
            if leading?.isStreamingTold == false { report(.streaming) }
            leading?.isStreamingTold = true
        case .rowFault(let fault): tell(fault)
        case .rowsGone(let ids): tellGone(ids)
        default: report(.note(note))
        }
    }

    private func tellGone(_ ids: [Int64]) {
        let isPlanned = gone.count > 0
        gone.add(ids)
        guard !isPlanned else { return }
        let due = gone.due(at: clock.now)
        guard due > clock.now else { return tellGoneNow() }
        // Not in a task of the lead: what is gone is told even where the lead is lost meanwhile.
        let clock = clock
        clock.task {
            await clock.sleep(until: due)
            self.tellGoneNow()
        }
    }

    private func tellGoneNow() {
        guard let rows = gone.take(at: clock.now) else { return }
        report(.rowsGone(first: rows.first, last: rows.last, count: rows.count))
    }

    /// Once for each row and reason: as long as it lasts it would only be repeated.
    func tell(_ fault: RowFault) {
        guard !fault.isUntried else { return }
        if faultsTold.count >= Self.faultsRemembered { faultsTold.removeAll() }
        if faultsTold.insert(fault).inserted { report(.rowFault(fault)) }
    }

    private static let faultsRemembered = 10_000

    private func describe(_ orderHold: OrderHold) {
        guard let sessions = leading?.sessions else { return }
        let term = term
        spawn { relay in
            let description = try? await sessions.watch.describe(orderHold.cause)
            relay.holds(orderHold, description ?? nil, term)
        }
    }

    private func holds(_ orderHold: OrderHold, _ description: HolderDescription?, _ term: Int) {
        guard term == self.term, machine.isHeld(by: orderHold) else { return }
        leading?.orderHold = (orderHold, description)
        report(.hold(orderHold, description))
        noteStatus()
    }

    /// Writes what `status` shows, where it changed; one write at a time.
    func noteStatus() {
        guard isLeading, let sessions = leading?.sessions, leading?.isNoting == false else { return }
        let current = machine.status(
            mode: settings.modeName, orderHold: leading?.orderHold.map { orderHoldJSON($0.0, $0.1) })
        guard current != leading?.status else { return }
        leading?.status = current
        leading?.isNoting = true
        let term = term
        spawn { relay in
            do { try await sessions.watch.note(current) } catch { await relay.noteFailed(error, sessions, term) }
            relay.noted(term)
        }
    }

    private func noteFailed(_ error: any Error, _ sessions: any LeaderSessions, _ term: Int) async {
        guard term == self.term else { return }
        if sessions.isLoss(error) { return endLead(.lost(Self.describe(error))) }
        tellFailure("saving the status", error)
        // Written again, a while later, whatever has changed by then.
        await clock.sleep(until: clock.now + 1000)
        if term == self.term { leading?.status = nil }
    }

    private func noted(_ term: Int) {
        guard term == self.term else { return }
        leading?.isNoting = false
        noteStatus()
    }

    private func orderHoldJSON(_ orderHold: OrderHold, _ description: HolderDescription?) -> String {
        var members: [String] = []
        if let gid = description?.gid {
            members.append("\"gid\":\(jsonString(gid))")
        } else {
            members.append("\"pid\":\(description?.pid.map(String.init) ?? "null")")
        }
        members.append("\"application_name\":\(jsonString(description?.applicationName ?? ""))")
        if let since = description?.since, !since.isEmpty { members.append("\"since\":\(jsonString(since))") }
        members.append("\"above_id\":\(orderHold.aboveID)")
        switch orderHold.cause {
        case .unreadableRow(let fault):
            members.append("\"row_id\":\(fault.id),\"unreadable\":true,\"reason\":\(jsonString(fault.reason))")
        case .aboveSequence(let id):
            members.append("\"row_id\":\(id),\"reason\":\(jsonString(orderHold.cause.remedy ?? ""))")
        case .transaction, .lockedRow, .unknown: break
        }
        return "{\(members.joined(separator: ","))}"
    }
}
