private import Foundation
private import FileSink
private import WebhookSink

extension RelayOptions {
    /// The sink that `replay` delivers to: one of its own, made from a configured one.
    ///
    /// `into` says where to instead. The lane's and the filter's options stay, and of the destination's options those that
    /// fit the kind. The values of header files are credentials for one receiver and go to no other; a file is not
    /// rotated, so that what is there already shows.
    ///
    /// - Throws: where the sink is not configured, or the events would go into a file that a sink writes.
    package func replayTarget(sink name: String, into spec: SinkSpec?) throws(ConfigurationProblem) -> SinkOption {
        guard let configured = sinks.first(where: { $0.name == name }) else {
            let names = sinks.map(\.name).joined(separator: ", ")
            throw .usage("--sink: no sink '\(shown(name))' is configured; write one of \(names), or correct --config")
        }
        guard let spec else {
            guard case .file(let file) = configured.destination else { return configured }
            throw .usage(
                "sink \(name) writes to \(file.path), where replayed events would be mixed with live ones; "
                    + "name a new file with --into file:PATH")
        }
        let plain = SinkOption(name: name, spec: spec, at: "--into")
        var target = configured
        target.place = plain.place
        switch (configured.destination, plain.destination) {
        case (.file(var file), .file(let other)):
            file.path = other.path
            file.rotation = FileSinkSettings.Rotation()
            target.destination = .file(file)
        case (.webhook(let webhook), .webhook(let other)):
            target.destination = .webhook(webhook.going(to: other.url))
        case (_, let destination):
            target.destination = destination
        }
        if case .file(let file) = target.destination { try refuseWritten(file) }
        return target
    }

    private func refuseWritten(_ file: FileSinkSettings) throws(ConfigurationProblem) {
        guard !file.path.contains("%") else {
            throw .usage("--into: the file of a replay cannot have a date in its name; write a path without %")
        }
        for sink in sinks {
            guard case .file(let other) = sink.destination, other.location == file.location else { continue }
            throw .usage("--into: sink \(sink.name) writes to \(file.path); name a new file")
        }
    }
}

extension WebhookSettings {
    /// The same, sent elsewhere.
    fileprivate func going(to url: String) -> WebhookSettings {
        var other = self
        other.url = url
        let origin = Self.origin(of: url)
        if origin == nil || origin != Self.origin(of: self.url) { other.headerFiles = [] }
        if !url.lowercased().hasPrefix("https:") { other.tls = TLSFiles() }
        return other
    }

    /// Scheme, host and port (RFC 6454, 4); `nil` where there are none.
    private static func origin(of url: String) -> [String]? {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme?.lowercased(),
            let host = parts.host?.lowercased()
        else { return nil }
        return [scheme, host, String(parts.port ?? (scheme == "https" ? 443 : 80))]
    }
}
