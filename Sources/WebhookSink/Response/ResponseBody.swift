import AsyncHTTPClient
import NIOCore

/// Reads the body of an answer, within bounds: its beginning is shown, and read to its end the connection can be used
/// again. The status has decided already, so nothing that happens here is an error; what is left of a body when its
/// reader gives up closes the connection.
enum ResponseBody {
    /// Bytes that are kept.
    static let kept = 2 << 10
    /// Bytes that are read.
    static let limit = 64 << 10
    /// How long is read.
    static let patience = Duration.seconds(1)

    /// How the body begins.
    ///
    /// - Parameter timeout: How long is read at most, if that is less than ``patience``.
    static func beginning(of body: HTTPClientResponse.Body, within timeout: Duration) async -> [UInt8] {
        await withTaskGroup(of: [UInt8]?.self) { group in
            group.addTask { await read(body) }
            group.addTask {
                try? await Task.sleep(for: min(patience, timeout))
                return nil
            }
            var beginning: [UInt8] = []
            for await part in group {
                // Whoever is first ends the other; a reader that is ended so still tells what it has.
                group.cancelAll()
                if let part { beginning = part }
            }
            return beginning
        }
    }

    private static func read(_ body: HTTPClientResponse.Body) async -> [UInt8] {
        var beginning: [UInt8] = []
        var count = 0
        do {
            for try await chunk in body {
                count += chunk.readableBytes
                beginning += chunk.readableBytesView.prefix(kept - beginning.count)
                if count > limit { break }
            }
        } catch {
            // It was cut, or took too long: what came is what there is.
        }
        return beginning
    }
}
