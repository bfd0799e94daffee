import Crypto
import Foundation
import RelayCore

/// What is in the files that a webhook's settings name, known by no more than its digest: whether it is what it was.
package struct WebhookFiles: Sendable, Hashable {
    private let digest: [UInt8]

    /// Bytes of a certificate's file that count.
    fileprivate static let largest = 1 << 20

    fileprivate init(_ contents: [(path: String, content: [UInt8])]) {
        var hash = SHA256()
        for (path, content) in contents {
            // With its length, so that nothing can move from one into the next.
            hash.update(data: Data("\(path.utf8.count) \(content.count) \(path)".utf8))
            hash.update(data: content)
        }
        digest = Array(hash.finalize())
    }
}

extension WebhookSettings {
    /// Reads every file that the settings name, and makes sense of each. It waits for the file system.
    ///
    /// - Returns: what they hold, and everything that is wrong with them.
    package func readFiles() -> (files: WebhookFiles, problems: [SinkError]) {
        var contents: [(String, [UInt8])] = []
        var problems: [SinkError] = []
        func look(at path: String, _ check: ([UInt8]) throws(SinkError) -> Void) {
            do throws(SinkError) {
                let content = try SmallFile(credential: path).content
                contents.append((path, content))
                try check(content)
            } catch {
                problems.append(error)
            }
        }
        for path in secretFiles {
            look(at: path) { (content) throws(SinkError) in _ = try Credentials.secret(in: path, content) }
        }
        for file in headerFiles {
            look(at: file.path) { (content) throws(SinkError) in _ = try Credentials.header(in: file, content) }
        }
        // What makes sense of files opens them again, and would wait for ever for the other end of a pipe.
        var unread: [String: SmallFile.Problem] = [:]
        for path in [tls.ca, tls.certificate, tls.key].compactMap(\.self) {
            do throws(SmallFile.Problem) {
                contents.append((path, try SmallFile(path, limit: WebhookFiles.largest).content))
            } catch {
                unread[path] = error
            }
        }
        return (WebhookFiles(contents), problems + tls.problems(unread: unread))
    }
}
