import FileSink
import RelayConfiguration
import RelayCore
import RelayObservability
import StdoutSink
import WebhookSink

/// The sinks of a relay, made of their options.
struct SinkComposition {
    /// In the order of the options, each with its filter before it.
    let sinks: [any Sink]
    /// How the lane of each treats it, by its name.
    let lanes: [String: LanePolicy]
    private let files: [FileSink]

    init(_ options: RelayOptions) throws(ConfigurationProblem) {
        var sinks: [any Sink] = []
        var files: [FileSink] = []
        for option in options.sinks {
            let sink = try makeSink(option, window: options.window)
            if let file = sink as? FileSink { files.append(file) }
            let metered = MeteredSink(sink)
            sinks.append(option.filter.isEmpty ? metered : FilteringSink(metered, option.filter.eventFilter))
        }
        self.sinks = sinks
        self.files = files
        lanes = options.sinks.reduce(into: [:]) { $0[$1.name] = $1.lane.policy }
    }

    /// For SIGHUP: files that were moved away are begun anew, none waiting for another.
    func reopenFiles() async {
        await withDiscardingTaskGroup { group in
            for file in files { group.addTask { await file.reopen() } }
        }
    }
}

/// Makes one sink, unfiltered.
///
/// - Parameter window: of the lane, in events: what a crash may repeat.
/// - Throws: what its own module finds wrong with its options.
func makeSink(_ option: SinkOption, window: Int) throws(ConfigurationProblem) -> any Sink {
    do throws(SinkError) {
        switch option.destination {
        case .stdout:
            try StandardStreams.checkOutput()
            return StdoutSink(name: option.name)
        case .file(let file):
            let settings = option.settings(file, window: window)
            try settings.check()
            return FileSink(settings, countDuplicates: EventCounters().duplicates(of: option.name))
        case .webhook(let webhook):
            let settings = option.settings(webhook)
            try settings.check()
            return WebhookSink(settings)
        }
    } catch {
        throw .configuration("\(option.place): \(error.reason)")
    }
}

extension SinkOption {
    func settings(_ file: FileOptions, window: Int) -> FileSinkSettings {
        FileSinkSettings(
            name: name, path: file.path, rotation: .init(size: file.rotation.size, age: file.rotation.age),
            mode: file.mode, window: window)
    }

    func settings(_ webhook: WebhookOptions) -> WebhookSettings {
        var settings = WebhookSettings(name: name, url: webhook.url)
        settings.contentMode = webhook.mode == .binary ? .binary : .structured
        settings.batch = lane.batch
        settings.secretFiles = webhook.secretFiles
        settings.headers = webhook.headers.map { .init(name: $0.name, value: $0.value) }
        settings.headerFiles = webhook.headerFiles.map { .init(name: $0.name, path: $0.path) }
        settings.connectTimeout = webhook.connectTimeout
        settings.timeout = webhook.timeout
        settings.idleTimeout = webhook.idleTimeout
        settings.connections = lane.concurrency
        settings.tls = .init(ca: webhook.tls.authority, certificate: webhook.tls.certificate, key: webhook.tls.key)
        settings.userAgent = "outbox-relay/\(BuildVersion.number)"
        return settings
    }
}

extension LaneOptions {
    /// How the lane treats its sink.
    var policy: LanePolicy {
        let order: LanePolicy.Order =
            switch self.order {
            case .id: .id
            case .key: .key(concurrency: concurrency, batch: batch)
            }
        let onReject: LanePolicy.OnReject =
            switch self.onReject {
            case .block: .block
            case .park: .park
            case .parkKey: .parkKey
            }
        let retry = RetryPolicy(base: retryBase.milliseconds, maximum: retryMaximum.milliseconds)
        return LanePolicy(order: order, onReject: onReject, retry: retry)
    }
}

extension FilterOptions {
    /// The filter, its patterns taken apart.
    var eventFilter: EventFilter {
        EventFilter(
            types: .init(include: include, exclude: exclude),
            aggregates: .init(include: includeAggregates, exclude: excludeAggregates))
    }
}
