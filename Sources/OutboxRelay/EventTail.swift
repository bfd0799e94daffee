import ArgumentParser
import Libpq
import PostgresOutbox
import RelayCore
import RelayObservability

/// Reads events in ascending id and prints them: those that are there, or on and on.
struct EventTail: Sendable {
    /// Between two looks for new events.
    private static let pause = Duration.milliseconds(500)

    let connector: AdministrationConnector
    let source: String
    /// The first id, where one was given.
    let from: Int64?
    let follows: Bool
    /// Of one read.
    let rows: Int
    let bytes: Int

    /// Prints to the end, whatever that is: everything is printed, nobody reads any more, or the task is cancelled.
    func run(into printer: TailPrinter) async throws {
        do {
            let reader = try await PreviewReader(connector, source: source)
            do {
                try await tail(reader, printer)
            } catch {
                await reader.close()
                throw error
            }
            await reader.close()
        } catch let end as TailEnd {
            guard case .failed(let reason) = end else { return }
            tell(reason)
            throw ExitCode.outputClosed
        } catch  where Task.isCancelled {
            return
        }
    }

    private func tail(_ reader: PreviewReader, _ printer: TailPrinter) async throws {
        var printer = printer
        let bounds = try await reader.bounds()
        guard let after = place(bounds) else {
            return tell("every event is published; add --from ID to see earlier ones, or --follow to wait for new ones")
        }
        if let from, let note = purgedNote(from: from, lowest: bounds.lowest) { tell(note) }
        var gaps = FollowedGaps(after: after)
        let through: Int64 = follows ? .max : bounds.highest ?? after
        var isOut = false
        while true {
            do {
                if isOut {
                    try await reader.reconnect()
                    gaps.beginSession()
                    isOut = false
                }
                if follows { try await lookBack(reader, &gaps, &printer) }
                try await readOn(reader, through, &gaps, &printer)
                if !follows { return }
            } catch  where Self.mayPass(error) && (follows || !isOut) {
                if !isOut { tell("the database cannot be read, and is tried again: \(Self.words(of: error))") }
                isOut = true
            }
            // Whoever reads may be gone for long before there is something to print.
            if TerminalOutput.standardOutput.isClosed { throw TailEnd.closed }
            try await Task.sleep(for: Self.pause)
        }
    }

    /// The id behind which it begins; nil where there is nothing to print.
    private func place(_ bounds: PreviewBounds) -> Int64? {
        if let from { return PreviewBounds.place(before: from) }
        return bounds.unpublishedAfter ?? (follows ? bounds.highest ?? 0 : nil)
    }

    /// The next rows, portion by portion.
    private func readOn(
        _ reader: PreviewReader, _ through: Int64, _ gaps: inout FollowedGaps, _ printer: inout TailPrinter
    ) async throws {
        while true {
            let read = try await reader.read(after: gaps.passed, through: through, rows: rows, bytes: bytes)
            if let batch = read.batch { try await printer.print(batch) }
            let hadForgotten = gaps.hasForgotten
            gaps.pass(read.ids)
            for fault in read.faults {
                tell(fault)
                gaps.pass([fault.id])
            }
            if gaps.hasForgotten, !hadForgotten {
                tell(
                    "there are over \(FollowedGaps.limit) gaps between the ids; "
                        + "late events in the lowest are not shown")
            }
            if read.reachedEnd || read.ids.isEmpty && read.faults.isEmpty { return }
        }
    }

    /// What has turned up in the gaps since.
    private func lookBack(
        _ reader: PreviewReader, _ gaps: inout FollowedGaps, _ printer: inout TailPrinter
    ) async throws {
        gaps.scanned(try await reader.scan())
        while true {
            let found = try await reader.ids(in: gaps.open)
            var rest = found.ids[...]
            while !rest.isEmpty {
                let read = try await reader.read(Array(rest), bytes: bytes)
                if let batch = read.batch { try await printer.print(batch) }
                read.faults.forEach(tell)
                // What is not there any more is done with as well.
                let end = read.reachedEnd ? rest.endIndex : rest.firstIndex { $0 > read.ids.last ?? .max }
                let done = rest[..<(end ?? rest.endIndex)]
                gaps.fill(Array(done))
                rest = rest[done.endIndex...]
            }
            if found.areAll { break }
        }
        gaps.closeGaps()
    }

    /// Whether another try, on another session, may help.
    private static func mayPass(_ error: any Error) -> Bool {
        if Task.isCancelled { return false }
        if let refusal = error as? Refusal { return refusal.kind == .unreachable }
        return (error as? PostgresError)?.canRetry ?? false
    }

    private static func words(of error: any Error) -> String {
        (error as? Refusal)?.problem ?? (error as? PostgresError)?.message ?? "it answered with an error"
    }
}

private func tell(_ sentence: String) { RelayLogHandler.writeToStderr("outbox-relay: \(oneLine(sentence))\n") }

private func tell(_ fault: RowFault) {
    tell("event \(fault.id) cannot be read and is not shown; fix or delete its row: \(fault.reason)")
}
