import NIOPosix
import RelayCore
import Synchronization

/// The secret and header files of a webhook: read once, and again whenever one of them has changed, so that secrets are
/// rotated without a restart.
final class CredentialFiles: Sendable {
    private struct Reading: Sendable {
        var stamps: [FileStamp?]
        var credentials: Credentials
    }

    private let settings: WebhookSettings
    private let paths: [String]
    private let last = Mutex<Reading?>(nil)

    init(_ settings: WebhookSettings) {
        self.settings = settings
        paths = settings.secretFiles + settings.headerFiles.map(\.path)
    }

    /// What the files hold now.
    ///
    /// - Throws: Which file is missing or makes no sense.
    func current() async throws(SinkError) -> Credentials {
        if paths.isEmpty { return .none }
        let result: Result<Credentials, SinkError>? = try? await NIOThreadPool.singleton.runIfActive {
            Result { () throws(SinkError) in try self.look() }
        }
        // Only a cancelled task gets none.
        guard let result else { throw SinkError(.unavailable, reason: "the relay is stopping") }
        return try result.get()
    }

    private func look() throws(SinkError) -> Credentials {
        if let last = last.withLock({ $0 }),
            !last.stamps.contains(nil), last.stamps == paths.map(FileStamp.of)
        {
            return last.credentials
        }
        var stamps: [FileStamp?] = []
        let credentials = try Credentials(settings) { path throws(SinkError) in
            let file = try SmallFile(credential: path)
            stamps.append(file.stamp)
            return file.content
        }
        last.withLock { $0 = Reading(stamps: stamps, credentials: credentials) }
        return credentials
    }
}

extension SmallFile {
    /// A secret or header file.
    init(credential path: String) throws(SinkError) {
        do throws(Problem) {
            self = try SmallFile(path, limit: Credentials.fileLimit)
        } catch {
            throw .wrong("file \(path) \(error.text); put a small file there that the relay may read")
        }
    }
}
