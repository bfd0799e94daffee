import ArgumentParser
import PostgresOutbox

/// `outbox-relay resume`: lets a relay deliver again after a stop for time travel, once its cause is fixed.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Deliver again after the database went back, once the cause is fixed.")

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let session = try await database.connector().connect()
        switch try await Resumption(session).perform() {
        case .wasNotStopped: print("nothing to resume: the relay was not stopped")
        case .resumed(let reason): print("resumed; the reason for the stop was: \(reason)")
        }
        await session.close()
    }
}
