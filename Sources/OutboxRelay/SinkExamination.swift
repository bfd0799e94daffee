import FileSink
import PostgresOutbox
import RelayConfiguration
import RelayCore
import WebhookSink

/// `doctor`'s look at a sink: what can be known without opening it, and without sending or writing anything.
func examine(_ option: SinkOption) async -> Check {
    let name = "sink:\(option.name)"
    do throws(SinkError) {
        switch option.destination {
        case .stdout: break
        case .file(let settings): try settings.examine()
        case .webhook(let settings): try await settings.examine()
        }
        return .passed(name)
    } catch {
        return Check(name, error.reason)
    }
}

extension Check {
    /// Of a sentence that says what is wrong and, behind a semicolon, how to fix it.
    fileprivate init(_ name: String, _ sentence: String) {
        let parts = sentence.split(separator: "; ", maxSplits: 1)
        self = .failed(name, String(parts.first ?? ""), remedy: parts.count > 1 ? String(parts[1]) : "fix the sink")
    }
}
