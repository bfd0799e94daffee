import FileSink
import Glibc
import RelayCore
import RelayTestKit
import Synchronization

/// Writes events to files as a relay would, to be killed in the middle of it:
/// `FileSinkWriter PATH FIRST LAST DELIVERY SIZE LIMIT`, ids from FIRST to LAST, DELIVERY of them at once, files of at
/// most SIZE bytes. The system takes but a few bytes with each write, so that the process is mostly killed within a line.
/// Where LIMIT is not 0, no file may grow beyond so many bytes: set here, since a sanitizer's runtime does not begin
/// under such a limit.
///
/// It says on standard output up to which id all is answered as delivered, a number a line after each delivery; and ends
/// with 1 at the first answer that is not `delivered`, which it says.
@main
enum FileSinkWriter {
    static func main() async throws {
        let arguments = CommandLine.arguments
        let numbers = arguments.dropFirst(2).compactMap { Int64($0) }
        guard arguments.count == 7, numbers.count == 5 else { return end("wrong arguments") }
        if numbers[4] > 0 { limitFiles(to: rlim_t(numbers[4])) }
        let settings = FileSinkSettings(path: arguments[1], rotation: .init(size: Int(numbers[3])))
        var calls = DiskCalls()
        calls.write = { write($0, $1.baseAddress, min($1.count, 50)) }
        let sink = FileSink(settings, calls: calls)
        do throws(SinkError) {
            try await sink.open(OutboxPosition(lastValue: .max))
        } catch {
            return end(error.reason)
        }
        say("open")
        var next = numbers[0]
        while next <= numbers[1] {
            let (first, last) = (next, min(next + numbers[2] - 1, numbers[1]))
            let batch = try makeBatch(first...last, payloadSize: 2000)
            let delivered = Mutex<Int64>(0)
            await sink.deliver(Delivery(slices: [.init(batch: batch, range: 0..<batch.count)])) { count, outcome in
                switch outcome {
                case .delivered: delivered.withLock { $0 += Int64(count) }
                case .retry(_, let reason), .blocked(let reason), .rejected(let reason), .closed(let reason):
                    say("\(first - 1 + delivered.withLock { $0 })")
                    end(reason)
                }
            }
            say("\(last)")
            next = last + 1
        }
        await sink.close()
    }

    private static func limitFiles(to bytes: rlim_t) {
        var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
        guard setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { return end("no limit") }
    }

    private static func say(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = write(STDOUT_FILENO, bytes, bytes.count)
    }

    private static func end(_ reason: String) {
        say(reason)
        exit(1)
    }
}
