import Foundation
import RelayTestKit
import Synchronization
import WebhookReceiver

/// One request as a webhook's receiver took it, and what it did with it.
struct HookDelivery: Sendable {
    /// Which process sent it.
    var run: Int
    /// Whether the network delivered it a second time.
    var isCopy = false
    /// Whether the sender may know that it arrived.
    var isAnswered = true
    var events: [HookEvent]
    var arrived = ContinuousClock.now
}

/// One event of a request.
struct HookEvent: Hashable, Sendable {
    var id: Int64
    /// What keeps an order in a sink that is ordered by key.
    var key: String
}

/// A receiver of the relays' webhooks, in this process, so that it outlives them; it keeps every event that it takes.
///
/// The last part of a request's path is the sink, and the header `x-run` the process that sends.
final class Hook: Sendable {
    private let receiver: WebhookReceiver
    private let state: Mutex<State>
    /// After which time a sender gives up, in milliseconds.
    private let timeout: Int

    private struct State {
        var fault: ReceiverFault?
        var deliveries: [String: [HookDelivery]] = [:]
        var files: [String: FileHandle] = [:]
        var strays = 0
    }

    /// - Parameters:
    ///   - folder: where a file of event lines is written for every sink.
    ///   - timeout: that of the sinks, in milliseconds.
    init(sinks: [String], folder: String, timeout: Int) async throws {
        self.timeout = timeout
        var first = State()
        for sink in sinks {
            let path = "\(folder)/\(sink).jsonl"
            _ = FileManager.default.createFile(atPath: path, contents: nil)
            first.files[sink] = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        }
        state = Mutex(first)
        receiver = try await WebhookReceiver(keeps: false)
        receiver.answer { [weak self] in self?.take($0) ?? .hangUp }
    }

    var port: Int { receiver.port }

    /// What to do with requests from now on; nil is to take them.
    func set(_ fault: ReceiverFault?) { state.withLock { $0.fault = fault } }

    /// What came to a sink, in the order in which it came.
    func deliveries(to sink: String) -> [HookDelivery] { state.withLock { $0.deliveries[sink] ?? [] } }

    /// Which process the last request to a sink was of; 0 where none came.
    func lastRun(of sink: String) -> Int { state.withLock { $0.deliveries[sink]?.last?.run ?? 0 } }

    /// Requests that were none of a relay's; there must be none.
    var strays: Int { state.withLock { $0.strays } }

    func stop() async { await receiver.stop() }

    private func take(_ request: ReceivedRequest) -> ReceiverAnswer {
        let lines = EventArray.lines(request.body)
        let sink = request.target.split(separator: "/").last.map(String.init) ?? ""
        var answer = ReceiverAnswer()
        return state.withLock { state in
            guard let run = request["x-run"].flatMap({ Int($0) }), let file = state.files[sink], !lines.isEmpty else {
                state.strays += 1
                return ReceiverAnswer(400)
            }
            var delivery = HookDelivery(run: run, isCopy: request["x-copy"] != nil, events: [])
            delivery.events = lines.compactMap { line in
                EventLine.id(of: line).map { HookEvent(id: $0, key: EventArray.key(of: line)) }
            }
            if delivery.events.count != lines.count { state.strays += 1 }
            switch state.fault {
            case .unavailable: return ReceiverAnswer(503)
            case .hangsUpBefore: return .hangUp
            case .hangsUpAfterwards:
                delivery.isAnswered = false
                answer = .hangUp
            case .slow(let milliseconds):
                delivery.isAnswered = milliseconds < timeout / 2
                answer.delay = .milliseconds(milliseconds)
            case nil: break
            }
            state.deliveries[sink, default: []].append(delivery)
            if !delivery.isCopy {
                let bytes = lines.flatMap { Array($0) + [UInt8(ascii: "\n")] }
                try? file.write(contentsOf: Data(bytes))
            }
            return answer
        }
    }
}

/// The events of a request's body: one, or a JSON array as the relay writes it.
enum EventArray {
    private static let start = Array(#"{"specversion":"1.0","id":""#.utf8)
    private static let subject = Array(#","subject":""#.utf8)

    /// The lines that a file would hold. An event begins with `{"specversion"…`, which is nowhere else in it: inside
    /// a string its quotes would be escaped, and payloads are the ledger's.
    static func lines(_ body: [UInt8]) -> [ArraySlice<UInt8>] {
        guard body.first == UInt8(ascii: "[") else { return [body[...]] }
        var found: [ArraySlice<UInt8>] = []
        var rest = body.dropFirst().dropLast()
        while let begin = rest.firstRange(of: start)?.lowerBound {
            let next = rest[(begin + start.count)...].firstRange(of: start)?.lowerBound
            // A comma is before the next one.
            found.append(rest[begin..<(next.map { $0 - 1 } ?? rest.endIndex)])
            rest = next.map { rest[$0...] } ?? []
        }
        return found
    }

    /// The `subject`, which is the aggregate's id.
    static func key(of line: ArraySlice<UInt8>) -> String {
        guard let begin = line.firstRange(of: subject)?.upperBound else { return "" }
        return String(decoding: line[begin...].prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }
}
