import ArgumentParser
import PostgresOutbox
import RelayObservability

/// `outbox-relay resume`: lets a relay deliver again after a stop for time travel, once its cause is fixed.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Deliver again after the database went back, once the cause is fixed.")

    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let session = try await database.connector().connect()
        let outcome = try await Resumption(session).perform()
        print(json ? outcome.json.text : outcome.text)
        await session.close()
    }
}

extension Resumption.Outcome {
    /// The members and their order are a promise.
    fileprivate var json: JSONText {
        switch self {
        case .wasNotStopped: .object([("resumed", .bool(false)), ("reason", .null)])
        case .resumed(let reason): .object([("resumed", .bool(true)), ("reason", .string(reason))])
        }
    }

    fileprivate var text: String {
        switch self {
        case .wasNotStopped: "nothing to resume: the relay was not stopped"
        case .resumed(let reason): "resumed; the reason for the stop was: \(reason)"
        }
    }
}
