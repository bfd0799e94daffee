import ArgumentParser
import Foundation
import RelayTestKit
import WebhookReceiver

/// `relay-bench receiver`: the receiver, in a process of its own, so that it takes nothing from the sender's threads.
struct ReceiverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receiver", abstract: "Answers every request with 200; prints its port.", shouldDisplay: false)

    @Option var delay = 20

    func run() async throws {
        let answer = ReceiverAnswer(delay: .milliseconds(delay))
        let receiver = try await WebhookReceiver(keeps: false) { _ in answer }
        print(receiver.port)
        fflush(nil)
        // Until it is killed.
        try await Task.sleep(for: .seconds(86_400))
        await receiver.stop()
    }
}

/// The receiver's process, as long as this lives.
final class ReceiverProcess {
    let port: Int
    private let process: ChildProcess

    init(delay: Duration) throws {
        let output = Pipe()
        process = try ChildProcess(
            ["/proc/\(getpid())/exe", "receiver", "--delay", "\(Int(delay / .milliseconds(1)))"],
            environment: ProcessInfo.processInfo.environment,
            output: output.fileHandleForWriting.fileDescriptor, errors: STDERR_FILENO)
        let text = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw KitFailure("the receiver did not say where it listens")
        }
        self.port = port
    }

    deinit { process.signal(SIGKILL) }
}
