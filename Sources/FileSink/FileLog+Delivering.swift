import RelayCore
import Synchronization

/// Says to the thread of the files that nobody waits for the rest of a delivery.
final class Withdrawal: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() { flag.store(true, ordering: .releasing) }
}

/// What became of a delivery: so many of its first events are durable, and what stands in the way of the next.
struct FileAnswer: Sendable {
    var durable: Int
    /// How many of the delivery's events were found in the files.
    var duplicates = 0
    var failure: DeliveryOutcome?
}

extension FileLog {
    /// Writes what the files do not hold yet, and makes it durable.
    func deliver(_ delivery: Delivery, until withdrawal: Withdrawal) -> FileAnswer {
        guard place != nil else {
            let reason = refusal ?? "\(settings.path) is not open"
            return FileAnswer(durable: 0, failure: .retry(after: nil, reason: reason))
        }
        guard !withdrawal.isSet else { return FileAnswer(durable: 0, failure: nil) }
        var looked = 0
        var duplicates = 0
        pending.removeAll()
        do throws(DiskError) {
            let now = now
            try takeUp(at: now)
            let failure = try write(delivery, at: now, until: withdrawal, looked: &looked, &duplicates)
            try makeDurable(at: now)
            return FileAnswer(durable: looked, duplicates: duplicates, failure: failure)
        } catch {
            mustLook = true
            return FileAnswer(durable: rescue(looked), duplicates: duplicates, failure: error.outcome)
        }
    }

    /// Goes through the events, and writes those that are new.
    ///
    /// - Parameters:
    ///   - looked: how many events are in the files, or will be once all is durable.
    ///   - duplicates: how many of them were there before.
    /// - Returns: why not all of them are.
    private func write(
        _ delivery: Delivery, at now: Int64, until withdrawal: Withdrawal, looked: inout Int, _ duplicates: inout Int
    ) throws(DiskError) -> DeliveryOutcome? {
        for slice in delivery.slices {
            var next = slice.range.lowerBound
            while next < slice.range.upperBound {
                if withdrawal.isSet { return nil }
                switch verdict(slice.batch, next) {
                case .present:
                    looked += 1
                    duplicates += 1
                    next += 1
                case .different(let time):
                    mustReadBack = true
                    mustLook = true
                    return .blocked(reason: conflict(slice.batch, next, with: time))
                case .absent:
                    let run = run(slice, from: next, place: looked)
                    if run.isEmpty {
                        try makeDurable(at: now)
                        try rotate(at: now)
                        continue
                    }
                    try append(slice.batch, run)
                    looked += run.count
                    next = run.upperBound
                }
            }
        }
        return nil
    }

    /// The new events from `start` on that the file still takes, noted as pending; none where it is full.
    private func run(_ slice: Delivery.Slice, from start: Int, place: Int) -> Range<Int> {
        let (ids, times) = (slice.batch.ids, slice.batch.createdAt)
        let limit = settings.rotation.size ?? .max
        var end = file?.givenEnd ?? 0
        var next = start
        while next < slice.range.upperBound, next == start || verdict(slice.batch, next) == .absent {
            let length = slice.batch.lineRange(next).count
            if end > 0, end > limit - length { break }
            end += length
            pending.append(ids[next], FileTime(createdAt: times[next]), end: end, place: place + next - start)
            next += 1
        }
        return start..<next
    }

    private func verdict(_ batch: EventBatch, _ index: Int) -> SeenWindow.Verdict {
        seen.verdict(on: batch.ids[index], FileTime(createdAt: batch.createdAt[index]))
    }

    private func append(_ batch: EventBatch, _ range: Range<Int>) throws(DiskError) {
        let failure = batch.withLines(range) { lines -> DiskError? in
            do throws(DiskError) {
                try file?.append(lines)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    private func makeDurable(at now: Int64) throws(DiskError) {
        try file?.sync(at: now)
        for (id, time) in zip(pending.ids, pending.times) { seen.append(id, time) }
        pending.removeAll()
    }

    /// After a failure: keeps the lines that are whole, if they can be made durable, and cuts the rest.
    ///
    /// - Returns: how many events, from the first on, are durable.
    private func rescue(_ looked: Int) -> Int {
        guard let current = file else { return looked }
        let kept = pending.keep(within: current.trusted)
        let first = pending.firstPlace ?? kept.firstDropped ?? looked
        do throws(DiskError) {
            try file?.cut(to: kept.end ?? current.durable)
            try makeDurable(at: now)
            return kept.firstDropped ?? looked
        } catch {
            pending.removeAll()
            try? file?.repair()
            return first
        }
    }

    private func conflict(_ batch: EventBatch, _ index: Int, with time: FileTime) -> String {
        let own = FileTime(createdAt: batch.createdAt[index]).text
        return "event \(batch.ids[index]) has the time \(own), but is in \(settings.path) with the time "
            + "\(time.text): it is another outbox's file, or the database went back; "
            + "move the sink's files to another folder, or give the sink another path"
    }
}
