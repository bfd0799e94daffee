import FileSink
import PostgresOutbox
import RelayConfiguration
import RelayCore
import WebhookSink

/// `doctor`'s look at the sinks, side by side: what can be known without opening them, and without sending or writing
/// anything.
///
/// - Returns: in the order of the options.
func examine(_ options: [SinkOption]) async -> [Check] {
    await withTaskGroup(of: (place: Int, checks: [Check]).self) { group in
        for (place, option) in options.enumerated() {
            group.addTask { (place, await examine(option)) }
        }
        var found = [[Check]](repeating: [], count: options.count)
        for await (place, checks) in group { found[place] = checks }
        return found.flatMap { $0 }
    }
}

private func examine(_ option: SinkOption) async -> [Check] {
    let name = "sink:\(option.name)"
    var checks: [Check] = []
    do throws(SinkError) {
        switch option.destination {
        case .stdout: break
        case .file(let settings):
            let room = try await settings.examine()
            checks.append(
                Check(
                    "disk:\(option.name)", room, at: settings.path,
                    remedy: "free space there, or give the sink a path on another one"))
        case .webhook(let settings):
            try await settings.examine()
        }
        checks.insert(.passed(name), at: 0)
    } catch {
        checks.append(Check(name, error.reason))
        // What a setting or a file lacks comes first; who may read it matters once it is a secret.
        if error.code == .misconfigured { return checks }
    }
    if case .webhook(let settings) = option.destination, !settings.secretPaths.isEmpty {
        checks.append(Check(exposed: settings.exposedSecrets, of: option.name))
    }
    return checks
}

extension Check {
    /// Of a sentence that says what is wrong and, behind a semicolon, how to fix it.
    fileprivate init(_ name: String, _ sentence: String) {
        let parts = sentence.split(separator: "; ", maxSplits: 1)
        self = .failed(name, String(parts.first ?? ""), remedy: parts.count > 1 ? String(parts[1]) : "fix the sink")
    }

    /// Of secret files that everybody may read or change.
    fileprivate init(exposed paths: [String], of sink: String) {
        let name = "secret_files:\(sink)"
        let list = paths.joined(separator: " ")
        self =
            paths.isEmpty
            ? .passed(name)
            : .failed(
                name, "every user of this machine may read or change \(list)",
                remedy: "run chmod o-rwx \(list), and make new secrets if others have been there")
    }
}
