import ArgumentParser
import Foundation
import RelayTestKit
import WebhookReceiver

/// `relay-bench receiver`: the receiver, in a process of its own, so that it takes nothing from the sender's threads.
struct ReceiverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receiver", abstract: "Answers every request with 200; prints its port.", shouldDisplay: false)

    @Option var delay = 20
    @Flag(help: "Writes each body as a line.") var prints = false

    func run() async throws {
        let answer = ReceiverAnswer(delay: .milliseconds(delay))
        let prints = prints
        let receiver = try await WebhookReceiver(keeps: false) { request in
            if prints {
                let line = request.body + [UInt8(ascii: "\n")]
                _ = write(STDOUT_FILENO, line, line.count)
            }
            return answer
        }
        print(receiver.port)
        fflush(nil)
        // Until it is killed.
        try await Task.sleep(for: .seconds(86_400))
        await receiver.stop()
    }
}

/// The receiver's process, as long as this lives.
final class ReceiverProcess: Sendable {
    let port: Int
    private let process: ChildProcess
    private let seen = SeenLines()

    var url: String { "http://127.0.0.1:\(port)/" }
    /// The events that came one a request, where it was asked to note them.
    var arrivals: [Arrival] { seen.arrivals }

    init(delay: Duration, notesEvents: Bool = false) throws {
        let output = Pipe()
        process = try ChildProcess(
            ["/proc/\(getpid())/exe", "receiver", "--delay", "\(Int(delay / .milliseconds(1)))"]
                + (notesEvents ? ["--prints"] : []),
            environment: ProcessInfo.processInfo.environment,
            output: output.fileHandleForWriting.fileDescriptor, errors: STDERR_FILENO)
        let text = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw KitFailure("the receiver did not say where it listens")
        }
        self.port = port
        if notesEvents { seen.read(dup(output.fileHandleForReading.fileDescriptor), EventLine.id) }
    }

    deinit { process.signal(SIGKILL) }
}
