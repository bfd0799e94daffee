import Glibc
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// The demo's webhook receiver, which keeps what it is sent: one event a line, as a file sink does.
///
/// `demo-receiver FILE`: the first line on stdout is the address it listens at, `http://127.0.0.1:PORT/events`. SIGTERM and
/// SIGINT end it.
@main
struct DemoReceiver {
    static func main() async {
        guard CommandLine.arguments.count == 2 else {
            complain("usage: demo-receiver FILE")
            exit(EX_USAGE)
        }
        let descriptor = open(CommandLine.arguments[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            complain("\(CommandLine.arguments[1]) cannot be written: error \(errno)")
            exit(EX_CANTCREAT)
        }
        do {
            try await serve(writingTo: descriptor)
        } catch {
            complain("\(error)")
            exit(EX_OSERR)
        }
    }

    private static func serve(writingTo descriptor: Int32) async throws {
        let file = Mutex(descriptor)
        let router = Router()
        router.post("/events") { request, _ in
            let body = try await request.body.collect(upTo: 16 << 20)
            let line = Array(body.readableBytesView) + [UInt8(ascii: "\n")]
            // One call for a whole line: what a reader finds at any time are whole lines.
            let isWritten = file.withLock { write($0, line, line.count) == line.count }
            return isWritten ? HTTPResponse.Status.noContent : .internalServerError
        }
        var log = Logger(label: "demo-receiver")
        log.logLevel = .error
        let server = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                print("http://127.0.0.1:\(channel.localAddress?.port ?? 0)/events")
                fflush(nil)
            }, logger: log)
        try await server.runService()
    }

    private static func complain(_ sentence: String) {
        let line = Array("demo-receiver: \(sentence)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }
}
