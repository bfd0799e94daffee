import FileSink
import Foundation
import Glibc
import RelayCore
import RelayTestKit
import Testing

/// Real processes that write until they are killed.
@Suite("A process that writes and dies", .timeLimit(.minutes(10)))
struct CrashTests {
    @Test func killedAHundredTimesEachEventStandsOnceAndInOrder() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed: seed)
        let folder = try TestFolder()
        // What is answered as delivered, and below it what is settled too.
        var (told, settled): (Int64, Int64) = (0, 0)
        for _ in 0..<100 {
            let delivery = Int64.random(in: 20...150, using: &random)
            let writer = try Writer(folder, from: settled + 1, to: 1_000_000, delivery: delivery)
            let goal = told + Int64.random(in: 0...250, using: &random)
            try await eventually("\(goal) is told, with seed \(seed)") { try writer.told(since: settled) >= goal }
            writer.kill()
            #expect(try await writer.end() == .signalled(SIGKILL))
            told = try max(told, writer.told(since: settled))
            // What was delivered and not settled comes again, less than the window.
            settled = max(settled, told - Int64.random(in: 0...800, using: &random))
        }
        let writer = try Writer(folder, from: settled + 1, to: told + 500, delivery: 100)
        #expect(try await writer.end() == .exited(0))
        let ids = try folder.ids()
        #expect(ids == Array(1...(told + 500)), "seed \(seed)")
        #expect(try folder.names.count > 3)
    }

    @Test func fileThatMayNotGrow() async throws {
        let folder = try TestFolder()
        // Room for some of the events.
        let limited = try Writer(folder, from: 1, to: 2000, delivery: 70, rotation: 1 << 30, limit: 1_000_000)
        #expect(try await limited.end() == .exited(1))
        let output = try limited.output()
        #expect(
            output.hasSuffix(
                "events.jsonl has reached the limit on file sizes (File too large); raise the limit on file sizes, or rotate it earlier\n"
            ))
        let told = try limited.told(since: 0)
        // What fitted is durable and told, up to the last whole line.
        try #require(told > 100 && told < 2000)
        #expect(try folder.ids() == Array(1...told))

        let free = try Writer(folder, from: told - 50, to: 2000, delivery: 70, rotation: 1 << 30)
        #expect(try await free.end() == .exited(0))
        #expect(try folder.ids() == Array(1...2000))
    }

    @Test func holderIsNamedUntilItDies() async throws {
        let folder = try TestFolder()
        let writer = try Writer(folder, from: 1, to: 1_000_000, delivery: 10)
        try await eventually("it writes") { try writer.told(since: 0) > 0 }
        writer.stop()
        let error = try await refusal(folder)
        #expect(error.code == .unavailable)
        #expect(error.reason.contains("is locked by the process with the pid \(writer.pid) on "))
        writer.kill()
        _ = try await writer.end()
        let sink = try await openSink(folder)
        await sink.close()
    }
}

/// `FileSinkWriter`, whose output is a file: so nothing of it is lost when it is killed.
private final class Writer: Sendable {
    private let process: ChildProcess
    private let path: String

    init(
        _ folder: TestFolder, from first: Int64, to last: Int64, delivery: Int64, rotation: Int = 1_000_000,
        limit: Int = 0
    ) throws {
        path = folder.path(of: ".output-\(UUID().uuidString)")
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        let program = try RelayProcess.executable("FileSinkWriter")
        let numbers = [first, last, delivery, Int64(rotation), Int64(limit)].map(String.init)
        process = try ChildProcess(
            [program, folder.path(of: "events.jsonl")] + numbers, environment: ChildProcess.passedEnvironment,
            output: descriptor, errors: STDERR_FILENO)
    }

    var pid: pid_t { process.pid }
    func kill() { process.signal(SIGKILL) }
    func stop() { process.signal(SIGSTOP) }
    func end() async throws -> ProcessEnd { try await process.exit(within: .seconds(120)) }

    func output() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    /// Up to which id all is answered as delivered.
    func told(since settled: Int64) throws -> Int64 {
        let whole = try output().split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        return whole.compactMap { Int64($0) }.last ?? settled
    }
}
