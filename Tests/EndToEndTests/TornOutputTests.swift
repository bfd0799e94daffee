import Foundation
import Glibc
import RelayTestKit
import Testing

/// Standard output, when one relay of the process follows another in the middle of a line.
@Suite(.heavy) struct TornOutputTests {
    /// The reader is slower than the shutdown timeout: what the first relay left torn, the second goes on with.
    @Test(arguments: Mode.allCases) func aRereadSpoilsNoLine(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let fifo = "\(folder.path)/output"
        try #require(mkfifo(fifo, 0o600) == 0)
        // Open, so that the relay can write, and not read.
        let reading = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        try #require(reading >= 0)
        defer { close(reading) }

        try await database.insert(200, bytes: 3000)
        let arguments = try folder.configuration("sinks: [{name: out, to: stdout}]")
        let relay = try RelayProcess.run(
            database, arguments + ["--mode", mode.rawValue, "--shutdown-timeout", "100ms"],
            shell: "exec \"$@\" >'\(fifo)'")
        try await eventually("the pipe is full in the middle of a line") {
            let counts = try String(contentsOfFile: "/proc/\(relay.pid)/io", encoding: .utf8)
            let line = counts.split(separator: "\n").first { $0.hasPrefix("wchar: ") }
            return line.flatMap { Int($0.dropFirst("wchar: ".count)) } ?? 0 >= 1 << 16
        }
        _ = try folder.configuration("sinks: [{name: out, to: stdout, exclude: [none]}]")
        relay.signal(SIGHUP)
        try await eventually("another relay leads") { relay.log.entries(of: "leading").count == 2 }

        let reader = Task { try await run(["cat", fifo]).output }
        // Whatever comes of it, the relay ends, and with it what is read.
        let settled: Void? = try? await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0), "\(relay.log.text)")
        #expect(settled != nil)
        let ids = try await reader.value.split(separator: "\n").map { line in
            let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return try #require((event?["id"] as? String).flatMap { Int64($0) })
        }
        #expect(Set(ids) == Set(1...200))
        var seen: Set<Int64> = []
        let first = ids.filter { seen.insert($0).inserted }
        #expect(first == first.sorted())
    }
}
